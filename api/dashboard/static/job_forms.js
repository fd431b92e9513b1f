// The dialogs of the job page: retry with changes, and edit.
import { Refused, call, mark, nearest, once, toast, unfold } from "./calls.js";
import { number } from "./figures.js";
import { refresh } from "./page.js";
import { t } from "./words.js";

const PLAN_AFTER_MS = 500; // without typing, before the plan is asked for

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) document.getElementById(opener.dataset.dialog)?.showModal();
  if (opener?.dataset.begin) document.getElementById(opener.dataset.begin).focus();
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

/** Say what a checkpoint has done already, which the budget counts. */
function sayDone(select) {
  const told = select?.selectedOptions[0]?.dataset.done;
  const done = told ? JSON.parse(told) : null;
  const note = document.getElementById("retry-done");
  if (!note) return;
  note.hidden = !done;
  if (done) note.textContent = t("Already done: {images} images (whole epochs: {epochs}). The budget counts them: set epochs or images to more than that.", { images: number(done.images), epochs: number(done.epochs) });
}

/** Show where a retry would run and when it would end, or what stands against it; again after each change. */
function planner(form, body, { showPlan, showProblems, showTrouble }) {
  const box = document.getElementById("retry-plan");
  let [pause, asked] = [null, 0];
  const look = async () => {
    const mine = ++asked;
    try {
      const [planned, queues] = await Promise.all([call("POST", `/v1/jobs/${form.dataset.job}/retry?dry_run=true`, body()), call("GET", "/v1/queues?limit=100")]);
      if (mine !== asked) return;
      mark([], form);
      showPlan(box, planned, queues.data.find((queue) => queue.name === planned.queue));
    } catch (error) {
      if (mine !== asked) return;
      if (!error.errors?.length) return showTrouble(box, error.message);
      mark(error.errors, form);
      showProblems(box, error.errors.map(({ pointer, detail }) => {
        const { field } = nearest(form, pointer);
        return { text: `${pointer.split("/").at(-1)}: ${detail}`, id: field?.id };
      }));
    }
  };
  return () => {
    clearTimeout(pause);
    asked += 1;
    pause = setTimeout(look, PLAN_AFTER_MS);
  };
}

function retry(form) {
  const headers = wish();
  const ready = prepare(form);
  // From the first moment: the browser itself would send a form that nobody listens to, and leave the dialog.
  form.addEventListener("submit", (event) => submitted(form, event, async () => {
    const body = (await ready)();
    const made = await call("POST", `/v1/jobs/${form.dataset.job}/retry`, body, headers(body));
    location.assign(`/dashboard/jobs/${made.id}`);
  }));
}

// Few visitors open it, so what it needs is read when they do. Returns what makes the body of the request.
async function prepare(form) {
  const [{ SchemaForm }, shows] = await Promise.all([import("./schema_form.js"), import("./dry_run.js")]);
  const asked = () => ({ params: params.changes(), ...(form.elements.checkpoint?.value ? { checkpoint: form.elements.checkpoint.value } : {}) });
  const plan = planner(form, asked, shows);
  const params = new SchemaForm(form, plan);
  form.elements.checkpoint?.addEventListener("change", ({ target }) => sayDone(target));
  sayDone(form.elements.checkpoint);
  plan();
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-dialog=retry]")) plan();
  });
  document.getElementById("retry-plan").addEventListener("click", (event) => {
    const field = document.getElementById(event.target.closest("a")?.hash.slice(1) || "");
    if (!field) return;
    event.preventDefault();
    unfold(field);
    field.focus();
  });
  return asked;
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
if (retryForm) {
  const begin = (event) => {
    if (!event.target.closest("[data-dialog=retry]")) return;
    document.removeEventListener("click", begin);
    retry(retryForm);
  };
  document.addEventListener("click", begin);
}
const editForm = document.getElementById("edit-form");
if (editForm) edit(editForm);
