// The dialogs of the job page: retry with changes, and edit.
import { Refused, call, nearest, once, toast } from "./calls.js";
import { refresh } from "./page.js";
import { SchemaForm } from "./schema_form.js";
import { t } from "./words.js";

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) document.getElementById(opener.dataset.dialog)?.showModal();
  if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
});

/** An Idempotency-Key for a body: sending the same body again makes no second job. */
export function wish() {
  let [key, body] = [null, null];
  return (asked) => {
    const text = JSON.stringify(asked);
    if (text !== body) [key, body] = [`page-${Date.now()}-${Math.random().toString(36).slice(2)}`, text];
    return { "Idempotency-Key": key };
  };
}

/** Send a form: `send()` calls the API; errors appear beside the fields, or in the dialog. */
function submitted(form, event, send) {
  event.preventDefault();
  const refused = (error) => {
    if (!(error instanceof Refused)) throw error;
    // A toast is behind an open dialog: errors without a field appear beside the catch-all field.
    const rest = (form.querySelector("[data-catches]") || form.querySelector("[data-pointer]")).dataset.pointer;
    const errors = (error.errors || [{ pointer: "", detail: error.message }]).map(({ pointer, detail }) =>
      nearest(form, pointer).field ? { pointer, detail } : { pointer: rest, detail: `${pointer} ${detail}`.trim() });
    throw Object.assign(error, { errors });
  };
  once(form.querySelector("button.primary"), () => send().catch(refused), form);
}

function retry(form) {
  const params = new SchemaForm(form);
  const headers = wish();
  form.addEventListener("submit", (event) => submitted(form, event, async () => {
    const body = { params: params.changes() };
    if (form.elements.checkpoint?.value) body.checkpoint = form.elements.checkpoint.value;
    const made = await call("POST", `/v1/jobs/${form.dataset.job}/retry`, body, headers(body));
    location.assign(`/dashboard/jobs/${made.id}`);
  }));
}

function edit(form) {
  form.addEventListener("submit", (event) => submitted(form, event, async () => {
    const labels = {};
    for (const line of form.elements.labels.value.split("\n").map((text) => text.trim()).filter(Boolean)) {
      const [name, ...text] = line.split("=");
      if (!text.length) throw new Refused({ status: 422, errors: [{ pointer: "/labels", detail: t("write each as key=value") }] });
      labels[name.trim()] = text.join("=").trim();
    }
    const body = { name: form.elements.name.value.trim() || null, priority: Number(form.elements.priority.value), labels, project: form.elements.project.value.trim() || null, notes: form.elements.notes.value.trim() ? form.elements.notes.value : null };
    await call("PATCH", `/v1/jobs/${form.dataset.job}`, body);
    form.closest("dialog").close();
    toast(t("Saved"));
    refresh();
  }));
}

const retryForm = document.getElementById("retry-form");
if (retryForm) retry(retryForm);
const editForm = document.getElementById("edit-form");
if (editForm) edit(editForm);
