// Shortcuts: `?` shows them; g and a letter goes to a page, / to the search, j and k walk the rows, x selects one.
// None works while something is typed, a dialog is open, or the reader has switched them off.
import { t } from "./words.js";

const OFF = "ganforge-shortcuts-off";
const WAIT_MS = 1500;
const opener = document.getElementById("show-shortcuts");
let going = 0;

const off = () => localStorage.getItem(OFF) === "1";
const typing = (one) => one instanceof Element && one.matches("input:not([type=checkbox], [type=radio], [type=button]), textarea, select, [contenteditable], [role=slider]");
const rows = () => [...document.querySelectorAll("main tbody tr[id], main .lines > li[id], main .cards > li[id]")].filter((row) => /** @type {HTMLElement} */ (row).offsetParent !== null);
const link = (row) => /** @type {HTMLElement | null} */ (row?.querySelector("a.name") || row?.querySelector("a[href]:not([tabindex])"));

function walk(step) {
  const all = rows();
  const here = all.indexOf(document.activeElement?.closest("tr, li"));
  const next = all[here < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, here + step))];
  link(next)?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function go(key) {
  if (key === "c") return location.assign("/dashboard/compare");
  const place = /** @type {HTMLAnchorElement | null} */ (document.querySelector(`.top a[data-go="${CSS.escape(key)}"]`));
  place?.click();
}

function search() {
  const box = document.querySelector("main input[type=search]");
  if (box instanceof HTMLInputElement) {
    box.focus();
    box.select();
  } else location.assign("/dashboard/jobs#q");
}

function select() {
  const box = document.activeElement?.closest("tr, li")?.querySelector("input[type=checkbox]");
  if (box instanceof HTMLElement) box.click();
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") {
    if (typing(event.target)) /** @type {HTMLElement} */ (event.target).blur();
    else document.dispatchEvent(new CustomEvent("let-go")); // a selection, an open menu
    return;
  }
  if (off() || typing(event.target)) return;
  const went = Date.now() - going < WAIT_MS;
  going = 0;
  if (went) go(event.key);
  else if (event.key === "g") going = Date.now();
  else if (event.key === "/") search();
  else if (event.key === "j") walk(1);
  else if (event.key === "k") walk(-1);
  else if (event.key === "x") select();
  else if (event.key === "?") help();
  else return;
  event.preventDefault();
});

/** Show all shortcuts, with a switch for people whose tools press keys. */
function help() {
  const box = document.createElement("dialog");
  box.className = "shortcuts";
  box.setAttribute("aria-labelledby", "shortcuts-title");
  const title = document.createElement("h2");
  title.id = "shortcuts-title";
  title.textContent = t("Keyboard shortcuts");
  const list = document.createElement("dl");
  const pages = [...document.querySelectorAll(".top a[data-go]")].map((one) => [["g", /** @type {HTMLElement} */ (one).dataset.go], one.textContent]);
  const all = [[["/"], t("Search jobs")], [["j"], t("Next row")], [["k"], t("Previous row")], [["x"], t("Select the row")], [["Enter"], t("Open the row")],
    [["Esc"], t("Close, or clear the selection")], ...pages, [["g", "c"], t("Compare")], [["?"], t("This help")]];
  for (const [keys, words] of all) {
    const name = document.createElement("dt");
    for (const key of keys) {
      const cap = document.createElement("kbd");
      cap.textContent = String(key);
      name.append(cap, " ");
    }
    const means = document.createElement("dd");
    means.textContent = String(words);
    list.append(name, means);
  }
  const label = document.createElement("label");
  const on = document.createElement("input");
  on.type = "checkbox";
  on.checked = !off();
  on.addEventListener("change", () => localStorage.setItem(OFF, on.checked ? "0" : "1"));
  label.append(on, " ", t("Shortcuts of one key are on"));
  const row = document.createElement("div");
  row.className = "actions dialog-actions";
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = t("Close");
  close.addEventListener("click", () => box.close());
  row.append(close);
  box.append(title, list, label, row);
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
  close.focus();
}

if (opener) {
  opener.hidden = false;
  opener.addEventListener("click", help);
}
if (location.hash === "#q") search();
