// Changes: calls of the public API with the session's token. Errors appear beside their field, or in a toast.
import { confirmed } from "./dialogs.js";
import { prose } from "./prose.js";
import { t } from "./words.js";

const csrf = document.querySelector('meta[name="csrf-token"]')?.content || "";

/** An error of the API: `status`, `code`, `detail`, and `errors` with a pointer each.
 *  A refused bulk action also has the number of jobs that its filter `matched`. */
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
window.addEventListener("pageshow", () => (leaving = false)); // back with the browser's button

/** Go to the login, which comes back here. Several calls may find the session ended: navigate once. */
export function signInAgain() {
  if (leaving) return;
  leaving = true;
  document.dispatchEvent(new CustomEvent("ended")); // listeners save what is unsaved
  location.assign(`/dashboard/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}

/** Call the API. Returns the JSON of the answer, or null if it is empty. Throws Refused. */
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
    return new Promise(() => {}); // the page is unloading
  }
  const json = await said(answer);
  if (!answer.ok) throw new Refused(json || { status: answer.status, title: `${answer.status} ${answer.statusText}` });
  return json;
}

// A proxy between browser and service may answer with its own format.
async function said(answer) {
  try {
    return JSON.parse(await answer.text());
  } catch {
    return null;
  }
}

/** Show a toast. A success disappears by itself, an error stays until it is closed. */
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

/** Return the browser's complaint about a field, worded as the service words it, in the page's language. */
export function complaint({ validity, validationMessage, min, max, step, title }) {
  if (validity.valueMissing) return t("is required");
  if (validity.badInput || validity.stepMismatch) return step === "any" ? t("must be a number") : t("must be an integer");
  if (validity.rangeUnderflow) return t("must be at least {ge}", { ge: min });
  if (validity.rangeOverflow) return t("must be at most {le}", { le: max });
  return (validity.patternMismatch && title) || validationMessage;
}

/** Show errors beside their fields. Returns the first such field, and the errors without a field. */
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
    note.append(...prose(inside ? `${inside}: ${detail}` : detail));
    field.after(note);
    field.setAttribute("aria-invalid", "true");
    describe(field, note.id);
    first ||= field;
  }
  return { first, rest };
}

/** Return the field of a pointer. A pointer into a field's value (/labels/team) belongs to that field. */
export function nearest(form, pointer) {
  for (let place = pointer; place; place = place.slice(0, place.lastIndexOf("/"))) {
    const field = form?.querySelector(`[data-pointer="${CSS.escape(place)}"]`);
    if (field) return { field, inside: pointer.slice(place.length + 1) };
  }
  return { field: null };
}

// The hint of a field stays its description beside the error.
function describe(field, note = "") {
  field.dataset.about ??= field.getAttribute("aria-describedby") || "";
  const ids = `${note} ${field.dataset.about}`.trim();
  if (ids) field.setAttribute("aria-describedby", ids);
  else field.removeAttribute("aria-describedby");
}

/** Open what hides a field. */
export function unfold(field) {
  for (let box = field.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
}

/** Show an error: beside the fields that it points to, the rest in a toast. */
export function tell(error, form = null) {
  const { first, rest } = mark(error.errors || [], form);
  if (first) unfold(first);
  first?.focus();
  if (!first || rest.length) toast(rest.length ? rest.join("; ") : error.message, true);
}

const busy = new WeakSet();

/** Run the action of a button, never twice at a time; errors appear in `form`, or in a toast. */
export async function once(button, work, form = null) {
  if (busy.has(button)) return;
  busy.add(button);
  button.setAttribute("aria-disabled", "true"); // not `disabled`, which would remove the focus
  try {
    await work();
  } catch (error) {
    tell(error, form);
  } finally {
    busy.delete(button);
    button.removeAttribute("aria-disabled");
  }
}

// Buttons with data-call="METHOD /path" make that call. data-confirm asks first; data-goto is the next page.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-call]");
  if (!button || busy.has(button)) return;
  // Read before the question: the button may be another one when it is answered.
  const { call: wanted, body, goto } = button.dataset;
  const [method, path] = wanted.split(" ");
  if (!(await confirmed(button))) return;
  once(button, async () => {
    const answer = await call(method, path, body ? JSON.parse(body) : undefined);
    // What this page shows may be gone, so it is not refreshed before it is left.
    if (goto) location.assign(goto);
    else document.dispatchEvent(new CustomEvent("changed", { detail: answer }));
  });
});
