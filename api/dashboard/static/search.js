// Suggestions below the search box: fields while a word is typed, then names behind a dot, then values. Saving a view.
import { call, once, toast } from "./calls.js";
import { t } from "./words.js";

const box = /** @type {HTMLInputElement} */ (document.getElementById("q"));
const list = document.getElementById("suggestions");
const fields = JSON.parse(document.getElementById("search-fields").textContent);
const MOST = 12;
const SPACE = /\s/;

let shown = [];
let chosen = -1;

/** Return where the word at the caret begins; spaces within quotation marks belong to it. */
function begin(text) {
  let at = 0;
  let quoted = false;
  for (let place = 0; place < text.length; place++) {
    if (text[place] === '"') quoted = !quoted;
    else if (!quoted && SPACE.test(text[place])) at = place + 1;
  }
  return at;
}

const quote = (value) => (/[\s",:=<>]/.test(value) ? `"${value.replaceAll(/["\\]/g, "\\$&")}"` : value);

/** Return what may stand in place of a word: the text, and a note beside it. */
function suggestions(word) {
  const [, minus, rest] = /^(-?)(.*)$/s.exec(word);
  const term = /^([A-Za-z_]+)(?:\.([A-Za-z0-9_.]*))?(?:(>=|<=|[:=<>])(.*))?$/s.exec(rest);
  if (!term) return [];
  const [, name, part, operator, value] = term;
  const field = fields.find((one) => one.name === name);
  if (operator !== undefined) {
    if (!field) return [];
    const done = value.slice(0, value.lastIndexOf(",") + 1);
    const typed = value.slice(done.length).replaceAll('"', "").toLowerCase();
    const head = word.slice(0, word.length - value.length) + done;
    return field.values.filter((one) => one.toLowerCase().includes(typed) && one !== typed).map((one) => ({ text: head + quote(one), more: false }));
  }
  if (part !== undefined) {
    const names = field?.names.filter((one) => one.startsWith(part)) || [];
    return names.map((one) => ({ text: `${minus}${name}.${one}${field.ordered ? "" : ":"}`, note: field.example, more: true }));
  }
  const near = fields.filter((one) => one.name.startsWith(name.toLowerCase()));
  return near.map((one) => ({ text: `${minus}${one.name}${one.names.length ? "." : one.ordered ? "" : ":"}`, note: one.example, more: true }));
}

function show() {
  const caret = box.selectionStart;
  const before = box.value.slice(0, caret);
  const word = before.slice(begin(before));
  shown = word ? suggestions(word).filter((one) => one.text !== word).slice(0, MOST) : [];
  list.replaceChildren(...shown.map((one, place) => {
    const item = document.createElement("li");
    item.id = `suggestion-${place}`;
    item.setAttribute("role", "option");
    const text = document.createElement("span");
    text.textContent = one.text;
    item.append(text);
    if (one.note) {
      const note = document.createElement("small");
      note.textContent = one.note;
      item.append(note);
    }
    return item;
  }));
  choose(-1);
  list.hidden = !shown.length;
  box.setAttribute("aria-expanded", String(!list.hidden));
}

function hide() {
  shown = [];
  list.hidden = true;
  choose(-1);
  box.setAttribute("aria-expanded", "false");
}

function choose(place) {
  chosen = place;
  for (const [n, item] of [...list.children].entries()) item.setAttribute("aria-selected", String(n === place));
  if (place < 0) box.removeAttribute("aria-activedescendant");
  else {
    box.setAttribute("aria-activedescendant", `suggestion-${place}`);
    list.children[place].scrollIntoView({ block: "nearest" });
  }
}

function take(place) {
  const one = shown[place];
  const caret = box.selectionStart;
  const at = begin(box.value.slice(0, caret));
  const text = one.text + (one.more ? "" : " ");
  box.setRangeText(text, at, caret, "end");
  box.focus();
  show();
}

box.setAttribute("role", "combobox");
box.setAttribute("aria-autocomplete", "list");
box.setAttribute("aria-controls", "suggestions");
box.setAttribute("aria-expanded", "false");
box.addEventListener("input", show);
box.addEventListener("blur", hide);
box.addEventListener("keydown", (event) => {
  if (list.hidden || event.isComposing) return;
  if (event.key === "ArrowDown") choose((chosen + 1) % shown.length);
  else if (event.key === "ArrowUp") choose((Math.max(chosen, 0) + shown.length - 1) % shown.length);
  else if (event.key === "Escape") hide();
  else if (event.key === "Enter" && chosen >= 0) take(chosen);
  else return;
  event.preventDefault();
});
// Before the box loses the focus, which would close the list.
list.addEventListener("mousedown", (event) => {
  event.preventDefault();
  const item = /** @type {Element} */ (event.target).closest("li");
  if (item) take([...list.children].indexOf(item));
});

// An empty search leaves the address.
document.getElementById("search").addEventListener("formdata", (event) => {
  if (!event.formData.get("q")) event.formData.delete("q");
});

// Views. The button is made anew when the list refreshes.
const dialog = /** @type {HTMLDialogElement | null} */ (document.getElementById("view-dialog"));
document.addEventListener("click", (event) => {
  const target = event.target;
  if (target.closest("#keep-view")) dialog?.showModal();
  else if (target.closest("[data-close]")?.closest("dialog") === dialog) dialog?.close();
});
document.addEventListener("submit", (event) => {
  const form = event.target.closest("#view-form");
  if (!form) return;
  event.preventDefault();
  const kept = JSON.parse(form.dataset.view);
  const columns = form.elements.columns.value.split(/[\s,]+/).filter(Boolean);
  once(form.querySelector("button.primary"), async () => {
    await call("POST", "/v1/views", { ...kept, name: form.elements.name.value.trim(), columns });
    toast(t("Saved"));
    const address = new URL(location.href);
    address.searchParams.delete("cursor");
    address.searchParams.delete("columns");
    for (const name of columns) address.searchParams.append("columns", name);
    location.assign(address);
  }, form);
});
