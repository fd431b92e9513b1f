// Evaluating a checkpoint, or the images of a data set: makes the evaluation and goes to its page.
import { call, once } from "./calls.js";
import { wish } from "./job_forms.js";

const form = document.getElementById("evaluate-form");
const headers = wish();

function asked() {
  const { checkpoint, count, source } = form.elements;
  const params = { count: Number(count.value) };
  if (source) return { kind: "evaluate", source: { dataset: source.value }, dataset: form.dataset.reference, params };
  return { kind: "evaluate", source: { job: form.dataset.job, checkpoint: checkpoint.value }, params };
}

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  once(form.querySelector("button.primary"), async () => {
    const body = asked();
    const made = await call("POST", "/v1/jobs", body, headers(body));
    location.assign(`/dashboard/jobs/${made.id}`);
  }, form);
});
