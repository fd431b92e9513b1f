// Changes: calls of the public API, with the session's token. What it refuses is said beside the field, or in a toast.
import { t } from "./words.js";

const csrf = document.querySelector('meta[name="csrf-token"]')?.content || "";

/** An answer of the API that is an error: `status`, `code`, `detail`, and `errors` with a pointer each.
 *  A refused call about many jobs also says how many its filter has `matched`. */
export class Refused extends Error {
  constructor(problem) {
    super(problem.detail || problem.title);
    this.status = problem.status;
    this.code = problem.code;
    this.detail = problem.detail;
    this.errors = problem.errors;
    this.matched = problem.matched;
  }
}

let leaving = false;
window.addEventListener("pageshow", () => (leaving = false)); // who comes back with the browser's own button

/** Leave for the login, and come back from there. Several calls may find the session ended: one navigation is enough. */
export function signInAgain() {
  if (leaving) return;
  leaving = true;
  document.dispatchEvent(new CustomEvent("ended")); // the session; who has something to keep, keeps it
  location.assign(`/dashboard/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}

/** Call the API. Returns the JSON it answers (null: none). Throws Refused. */
export async function call(method, path, body, headers = {}) {
  /** @type {RequestInit} */
  const options = { method, headers: { Accept: "application/json", ...headers }, credentials: "same-origin" };
  if (method !== "GET") options.headers["X-CSRF-Token"] = csrf;
  if (body instanceof FormData) options.body = body;
  else if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Refused({ status: 0, code: "unreachable", detail: t("service not responding; try again shortly") });
  }
  if (answer.status === 401) {
    signInAgain();
    return new Promise(() => {}); // the page is being left
  }
  const json = await said(answer);
  if (!answer.ok) throw new Refused(json || { status: answer.status, title: `${answer.status} ${answer.statusText}` });
  return json;
}

// What stands between a browser and the service may answer in its own way.
async function said(answer) {
  try {
    return JSON.parse(await answer.text());
  } catch {
    return null;
  }
}

/** Say something in a corner; good news goes by itself, bad news stays until it is closed. */
export function toast(text, bad = false) {
  const box = document.createElement("div");
  box.className = bad ? "toast bad" : "toast";
  box.append(text, " ");
  if (bad) {
    const close = document.createElement("button");
    close.textContent = t("Close");
    close.className = "quiet";
    close.addEventListener("click", () => box.remove());
    box.append(close);
  } else setTimeout(() => box.remove(), 6000);
  document.getElementById("toasts").append(box);
}

/** Say what the browser finds wrong with a field, in the words of the service and the language of the page. */
export function complaint({ validity, validationMessage, min, max, step, title }) {
  if (validity.valueMissing) return t("is required");
  if (validity.badInput || validity.stepMismatch) return step === "any" ? t("must be a number") : t("must be an integer");
  if (validity.rangeUnderflow) return t("must be at least {ge}", { ge: min });
  if (validity.rangeOverflow) return t("must be at most {le}", { le: max });
  return (validity.patternMismatch && title) || validationMessage;
}

/** Write what is wrong beside the fields that it is about. Returns the first such field, and what has none. */
export function mark(errors, form) {
  for (const old of form?.querySelectorAll(".problem[data-from-call]") || []) old.remove();
  for (const old of form?.querySelectorAll("[aria-invalid]") || []) {
    old.removeAttribute("aria-invalid");
    describe(old);
  }
  const rest = [];
  let first = null;
  for (const { pointer, detail } of errors) {
    const { field, inside } = nearest(form, pointer);
    if (!field) {
      rest.push(`${pointer} ${detail}`);
      continue;
    }
    const note = document.createElement("p");
    note.className = "problem";
    note.dataset.fromCall = "";
    note.id = `problem${pointer.replaceAll(/[^\w]/g, "-")}`;
    note.textContent = inside ? `${inside}: ${detail}` : detail;
    field.after(note);
    field.setAttribute("aria-invalid", "true");
    describe(field, note.id);
    first ||= field;
  }
  return { first, rest };
}

/** Return the field that a pointer means: an error inside of what one holds (/labels/team) is said beside that one. */
export function nearest(form, pointer) {
  for (let place = pointer; place; place = place.slice(0, place.lastIndexOf("/"))) {
    const field = form?.querySelector(`[data-pointer="${CSS.escape(place)}"]`);
    if (field) return { field, inside: pointer.slice(place.length + 1) };
  }
  return { field: null };
}

// What the page says of a field is still said beside what is wrong with it.
function describe(field, note = "") {
  field.dataset.about ??= field.getAttribute("aria-describedby") || "";
  const ids = `${note} ${field.dataset.about}`.trim();
  if (ids) field.setAttribute("aria-describedby", ids);
  else field.removeAttribute("aria-describedby");
}

/** Tell a person what went wrong: beside the fields that the errors point to, and the rest in a toast. */
export function tell(error, form = null) {
  const { first, rest } = mark(error.errors || [], form);
  for (let box = first?.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
  first?.focus();
  if (!first || rest.length) toast(rest.length ? rest.join("; ") : error.message, true);
}

const busy = new WeakSet();

/** Do what a button stands for, never twice at a time; what is refused is told in `form`, or in a toast. */
export async function once(button, work, form = null) {
  if (busy.has(button)) return;
  busy.add(button);
  button.setAttribute("aria-disabled", "true"); // not `disabled`, which would take the focus away
  try {
    await work();
  } catch (error) {
    tell(error, form);
  } finally {
    busy.delete(button);
    button.removeAttribute("aria-disabled");
  }
}

// Buttons with data-call="METHOD /path" make that call; data-confirm asks before, data-goto is where to go after.
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-call]");
  if (!button) return;
  if (button.dataset.confirm && !window.confirm(button.dataset.confirm)) return;
  const [method, path] = button.dataset.call.split(" ");
  once(button, async () => {
    const answer = await call(method, path, button.dataset.body ? JSON.parse(button.dataset.body) : undefined);
    document.dispatchEvent(new CustomEvent("changed", { detail: answer }));
    if (button.dataset.goto) location.assign(button.dataset.goto);
  });
});
