// The forms over the job page: retry with changes, and edit.
import { Refused, call, nearest, once, toast } from "./calls.js";
import { refresh } from "./page.js";
import { t } from "./words.js";

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) document.getElementById(opener.dataset.dialog)?.showModal();
  if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
});

/** A key for one wish: the same body asked again is the same wish, so that no second job is made. */
export function wish() {
  let [key, body] = [null, null];
  return (asked) => {
    const text = JSON.stringify(asked);
    if (text !== body) [key, body] = [`page-${Date.now()}-${Math.random().toString(36).slice(2)}`, text];
    return { "Idempotency-Key": key };
  };
}

/** Send a form: `send()` calls the API; errors are told beside the fields, or inside the dialog. */
function submitted(form, event, send) {
  event.preventDefault();
  const refused = (error) => {
    if (!(error instanceof Refused)) throw error;
    // A toast lies under an open dialog: what belongs to no field is told beside the one that catches the rest.
    const rest = (form.querySelector("[data-catches]") || form.querySelector("[data-pointer]")).dataset.pointer;
    const errors = (error.errors || [{ pointer: "", detail: error.message }]).map(({ pointer, detail }) =>
      nearest(form, pointer).field ? { pointer, detail } : { pointer: rest, detail: `${pointer} ${detail}`.trim() });
    throw Object.assign(error, { errors });
  };
  once(form.querySelector("button.primary"), () => send().catch(refused), form);
}

function retry(form) {
  const all = form.elements.params;
  const before = JSON.parse(all.value);
  const fields = [...form.querySelectorAll("[data-param]")];
  const headers = wish();
  const read = (field) => {
    const text = field.value.trim();
    if (text === "") return null;
    if ("number" in field.dataset && !Number.isNaN(Number(text))) return Number(text);
    if (/^[[{]|^(true|false)$/.test(text)) try { return JSON.parse(text); } catch { return text; }
    return text;
  };
  const write = (value) => (value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));
  for (const field of fields) {
    field.value = write(before[field.dataset.param]);
    field.addEventListener("input", () => {
      try {
        all.value = JSON.stringify({ ...JSON.parse(all.value), [field.dataset.param]: read(field) }, null, 2);
      } catch {
        // What stands there is no JSON; sending it will say so.
      }
    });
  }
  all.addEventListener("input", () => {
    try {
      const params = JSON.parse(all.value);
      for (const field of fields) field.value = write(params[field.dataset.param]);
    } catch {
      // Half written: the fields stay until it can be read.
    }
  });
  form.addEventListener("submit", (event) => submitted(form, event, async () => {
    let now;
    try {
      now = JSON.parse(all.value);
    } catch {
      throw new Refused({ status: 422, errors: [{ pointer: "/params", detail: t("this is no JSON") }] });
    }
    const changed = Object.entries(now).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name]));
    const body = { params: Object.fromEntries(changed) };
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
      if (!text.length) throw new Refused({ status: 422, errors: [{ pointer: "/labels", detail: t("write each as name=text") }] });
      labels[name.trim()] = text.join("=").trim();
    }
    const body = { name: form.elements.name.value.trim() || null, priority: Number(form.elements.priority.value), labels };
    await call("PATCH", `/v1/jobs/${form.dataset.job}`, body);
    form.closest("dialog").close();
    toast(t("Saved"));
    refresh();
  }));
}

for (const [id, begin] of [["retry-form", retry], ["edit-form", edit]]) {
  const form = document.getElementById(id);
  if (form) begin(form);
}
