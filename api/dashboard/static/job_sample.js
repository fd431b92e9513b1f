// Drawing from a checkpoint: a sampling job is made, and what comes of it appears in the list of samples.
import { call, tell } from "./calls.js";
import { wish } from "./job_forms.js";
import { refresh, say } from "./page.js";
import { t } from "./words.js";

const WAIT_S = 30;
const PAUSE_MS = 3000;
const STRIP_PX = 80;
// A browser holds six connections to one service; each job that is waited for takes one.
const AT_ONCE = 2;
// How many images a sheet has, and a walk, unless somebody says otherwise.
const [GRID, WALK] = ["64", "16"];
const form = document.getElementById("sample-form");
let headers = wish();

function asked() {
  const field = form.elements;
  const params = { count: Number(field.count.value), output: field.output.value };
  if (field.seed) params.seed = Number(field.seed.value); // what is translated needs no noise
  if (params.output === "translate") {
    params.direction = field.direction.value;
    if (field.dataset.value.trim()) params.dataset = field.dataset.value.trim();
  }
  // Not form.dataset: a field of that name stands in its place where there is something to translate.
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

// What is not drawn yet is waited for, the newest first; the page itself then shows what has come of it.
const waiting = new Set();
const pending = (id) => document.querySelector(`#sample-${id}[data-pending]`);
const rest = () => new Promise((done) => setTimeout(done, PAUSE_MS));
const seen = () => document.hidden && new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));

async function wait(id) {
  await seen();
  const job = await call("GET", `/v1/jobs/${id}`, undefined, { Prefer: `wait=${WAIT_S}` });
  await refresh();
  if (!["succeeded", "failed", "canceled"].includes(job.state)) return;
  if (job.state !== "succeeded") headers = wish(); // asking the same again means another try now
  say(job.state === "succeeded" ? t("Images generated") : t("No images generated"));
  // The list may stand still under the pointer, or the service be away: until it is told, it is asked for again.
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

// A strip is as high as its images are worth looking at, and scrolls.
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
