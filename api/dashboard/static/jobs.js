// The list of jobs: the selection, across its pages, with what is done to it, and the focus when rows change.
import { say } from "./page.js";
import { stateWords } from "./states.js";
import { t } from "./words.js";

// The trash has a selection of its own: what is ticked among the jobs is not deleted for good there.
const KEPT = new URLSearchParams(location.search).get("trashed") === "true" ? "ganforge-compare-trash" : "ganforge-compare";
const FEWEST = 2;
const MOST = 50; // as many as the page of the comparison shows, and as an address holds
const bar = /** @type {HTMLFormElement} */ (document.getElementById("selection"));
const list = document.getElementById("jobs");
const all = document.getElementById("choose-all");
const heading = /** @type {HTMLElement} */ (document.querySelector("main h1"));

let chosen = new Set(remembered());
// All jobs that match the filters are meant, not those that are ticked.
let everything = false;

function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) || "[]").slice(0, MOST);
  } catch {
    return [];
  }
}

const boxes = () => /** @type {HTMLInputElement[]} */ ([...list.querySelectorAll("input[name=jobs]")]);

/** Show the selection: the boxes, the bar with its text, and where its links lead. */
function show() {
  const full = chosen.size >= MOST;
  for (const box of boxes()) {
    box.checked = everything || chosen.has(box.value);
    box.disabled = everything || (full && !box.checked);
    box.closest("tr").classList.toggle("chosen", box.checked);
  }
  showAll();
  bar.hidden = !chosen.size && !everything;
  document.getElementById("chosen").textContent = words(full);
  if (all) {
    const here = boxes();
    const { n, more } = matching();
    // Nothing is left to select where this page holds all that match, and all are ticked.
    all.hidden = everything || !more && n <= here.length && here.every((box) => box.checked);
    all.textContent = more ? t("Select all matching jobs") : t("Select all matching jobs ({n})", { n });
  }
  const compare = /** @type {HTMLButtonElement} */ (bar.querySelector("button.primary"));
  compare.hidden = everything;
  compare.disabled = chosen.size < FEWEST;
  compare.title = chosen.size < FEWEST ? t("Select 2 to 50 jobs to compare.") : "";
  for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (bar.querySelectorAll("a[data-bulk]")))
    link.href = everything ? link.dataset.all : `/dashboard/jobs/bulk?${new URLSearchParams([["action", link.dataset.action], ...[...chosen].map((id) => ["id", id])])}`;
  sessionStorage.setItem(KEPT, JSON.stringify([...chosen]));
}

/** Return how many jobs match, and whether there are more than were counted. */
function matching() {
  const { total, more } = document.getElementById("matching").dataset;
  return { n: Number(total), more: more === "true" };
}

function words(full) {
  const { n, more } = matching();
  if (everything) return more ? t("All matching jobs selected.") : t("All matching jobs selected ({n}).", { n });
  if (chosen.size === 1) return t("1 job selected.");
  return full ? t("{n} jobs selected, the maximum.", { n: chosen.size }) : t("{n} jobs selected.", { n: chosen.size });
}

// The box in the head selects the jobs of this page.
function showAll() {
  const head = /** @type {HTMLInputElement | null} */ (document.getElementById("pick-all"));
  if (!head) return;
  const here = boxes();
  const some = here.filter((box) => box.checked).length;
  head.hidden = !here.length;
  head.disabled = everything;
  head.checked = here.length > 0 && some === here.length;
  head.indeterminate = some > 0 && some < here.length;
}

function clear() {
  chosen = new Set();
  everything = false;
  show();
}

list.addEventListener("change", (event) => {
  const box = event.target;
  if (box.id === "pick-all") {
    for (const one of boxes()) {
      if (!box.checked) chosen.delete(one.value);
      else if (chosen.size < MOST) chosen.add(one.value);
    }
  } else if (box.name !== "jobs") return;
  else if (box.checked) chosen.add(box.value);
  else chosen.delete(box.value);
  show();
});

all?.addEventListener("click", () => {
  everything = true;
  show();
  document.getElementById("chosen").focus();
});

document.getElementById("choose-none").addEventListener("click", () => {
  clear();
  heading.focus();
});

bar.addEventListener("submit", (event) => {
  event.preventDefault();
  if (chosen.size >= FEWEST) location.assign(`/dashboard/compare?jobs=${[...chosen].join(",")}`);
});

// What was ordered is done: the selection ends with the dialog, and the focus goes to the top of the list.
let ordered = false;
document.addEventListener("ordered", () => (ordered = true));
document.getElementById("bulk-dialog")?.addEventListener("close", () => {
  if (!ordered) return;
  ordered = false;
  clear();
  heading.focus();
});

const menu = /** @type {HTMLDetailsElement} */ (document.getElementById("filter-menu"));
document.addEventListener("let-go", () => {
  if (menu.open) {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (!bar.hidden) {
    clear();
    if (document.activeElement === document.body) heading.focus();
  }
});
document.addEventListener("click", (event) => {
  if (menu.open && !menu.contains(/** @type {Node} */ (event.target))) menu.open = false;
});

// A pressed button may disappear from its row; then the focus goes to the job's link, not to the top of the page.
let focused = null;
list.addEventListener("focusin", (event) => (focused = event.target.closest("tr")?.id || null));
document.addEventListener("focusin", (event) => list.contains(event.target) || (focused = null));
document.addEventListener("refreshed", () => {
  show();
  if (focused && document.activeElement === document.body) /** @type {HTMLElement | null} */ (document.getElementById(focused)?.querySelector(".job a"))?.focus();
});

// Announce the effect of a row's button: the row may be gone, or differ by one word.
document.addEventListener("changed", ({ detail: job }) => {
  if (job?.state && !job.pending_action) say(`${job.name || job.recipe}: ${stateWords(job.state)}`);
});

// Leave out empty fields, which would make long addresses.
document.getElementById("filters").addEventListener("formdata", (event) => {
  for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name);
});

show();
