// Sampling from a checkpoint: submits a sampling job, whose images appear in the list of samples.
import { call, tell } from "./calls.js";
import { wish } from "./job_forms.js";
import { refresh, say } from "./page.js";
import { t } from "./words.js";

const WAIT_S = 30;
const PAUSE_MS = 3000;
const STRIP_PX = 80;
// A browser holds six connections to a host; each pending job takes one.
const AT_ONCE = 2;
// Default numbers of images: of a grid, and of an interpolation.
const [GRID, WALK] = ["64", "16"];
const form = document.getElementById("sample-form");
let headers = wish();

function asked() {
  const field = form.elements;
  const params = { count: Number(field.count.value), output: field.output.value };
  if (field.seed) params.seed = Number(field.seed.value); // a translation needs no noise
  if (params.output === "translate") {
    params.direction = field.direction.value;
    if (field.dataset.value.trim()) params.dataset = field.dataset.value.trim();
  }
  // Not form.dataset: for recipes that translate, a field of that name hides it.
  return { kind: "sample", source: { job: form.getAttribute("data-job"), checkpoint: field.checkpoint.value }, params };
}

async function draw() {
  const body = asked();
  const buttons = form.querySelectorAll("button");
  buttons.forEach((button) => button.setAttribute("aria-disabled", "true"));
  try {
    const job = await call("POST", "/v1/jobs", body, headers(body));
    for (const old of form.querySelectorAll(".problem")) old.remove();
    for (const old of form.querySelectorAll("[aria-invalid]")) old.removeAttribute("aria-invalid");
    const known = document.getElementById(`sample-${job.id}`);
    if (known) return known.scrollIntoView({ block: "nearest" });
    document.dispatchEvent(new CustomEvent("changed", { detail: job }));
  } catch (error) {
    tell(error, form);
  } finally {
    buttons.forEach((button) => button.removeAttribute("aria-disabled"));
  }
}

// Wait for pending samples, the newest first; then refresh the page, which shows them.
const waiting = new Set();
const pending = (id) => document.querySelector(`#sample-${id}[data-pending]`);
const rest = () => new Promise((done) => setTimeout(done, PAUSE_MS));
const seen = () => document.hidden && new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));

async function wait(id) {
  await seen();
  const job = await call("GET", `/v1/jobs/${id}`, undefined, { Prefer: `wait=${WAIT_S}` });
  await refresh();
  if (!["succeeded", "failed", "canceled"].includes(job.state)) return;
  if (job.state !== "succeeded") headers = wish(); // the same request is now a new try
  say(job.state === "succeeded" ? t("Images generated") : t("No images generated"));
  // A refresh may be held back by the pointer or fail: repeat it until the list shows the result.
  while (pending(id)) {
    await rest();
    await refresh();
  }
}

function look() {
  const ids = [...document.querySelectorAll("#drawn [data-pending]")].map((one) => one.dataset.pending);
  for (const id of ids.filter((one) => !waiting.has(one)).slice(0, Math.max(0, AT_ONCE - waiting.size))) {
    waiting.add(id);
    wait(id).catch(rest).finally(() => {
      waiting.delete(id);
      look();
    });
  }
}
document.addEventListener("refreshed", look);
look();

// A strip scrolls; its height keeps the images large enough to see.
function stretch(image) {
  const room = image.parentElement.clientWidth;
  image.width = image.naturalWidth * Math.max(1, Math.ceil(STRIP_PX / image.naturalHeight), Math.floor(room / image.naturalWidth));
}
document.addEventListener("load", ({ target }) => target.matches?.("img.strip") && stretch(target), true);
for (const image of document.querySelectorAll("img.strip")) if (image.complete && image.naturalWidth) stretch(image);

if (form) {
  form.elements.output.addEventListener("change", () => {
    const few = form.elements.output.value === "interpolation";
    if (form.elements.count.value === (few ? GRID : WALK)) form.elements.count.value = few ? WALK : GRID;
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    draw();
  });
  document.getElementById("sample-next")?.addEventListener("click", () => {
    if (!form.reportValidity()) return;
    form.elements.seed.value = Number(form.elements.seed.value) + 1;
    draw();
  });
}
