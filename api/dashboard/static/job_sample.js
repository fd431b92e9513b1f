// Drawing from a checkpoint: a sampling job is made, waited for, and its picture shown here.
import { call, tell } from "./calls.js";
import { make } from "./charts.js";
import { wish } from "./job_forms.js";
import { say } from "./page.js";
import { t } from "./words.js";

const WAIT_S = 30;
const STRIP_PX = 80;
// How many images a sheet has, and a walk, unless somebody says otherwise.
const [GRID, WALK] = ["64", "16"];
const form = document.getElementById("sample-form");
const results = document.getElementById("sample-results");
let headers = wish();

async function ended(job) {
  while (!["succeeded", "failed", "canceled"].includes(job.state)) job = await call("GET", `/v1/jobs/${job.id}`, undefined, { Prefer: `wait=${WAIT_S}` });
  return job;
}

function asked() {
  const field = form.elements;
  const params = { count: Number(field.count.value), seed: Number(field.seed.value), output: field.output.value };
  if (params.output === "translate") {
    params.direction = field.direction.value;
    if (field.dataset.value.trim()) params.dataset = field.dataset.value.trim();
  }
  return { kind: "sample", source: { job: form.dataset.job, checkpoint: field.checkpoint.value }, params };
}

async function show(figure, words, job, body) {
  const state = figure.querySelector("p");
  const caption = figure.querySelector("figcaption");
  const done = await ended(job);
  if (done.state !== "succeeded") {
    state.textContent = done.error?.detail || t("It was canceled.");
    state.className = "problem";
    headers = wish(); // asking the same again means another try now
    return say(t("Nothing was drawn"));
  }
  const { data } = await call("GET", `/v1/jobs/${done.id}/artifacts?kind=samples`);
  state.remove();
  for (const file of data) {
    const address = `/v1/artifacts/${file.id}/content`;
    if (file.content_type === "image/png") {
      const image = make("img", { class: body.params.output === "interpolation" ? "pixels strip" : "pixels", src: `${address}?redirect=false`, alt: words });
      caption.before(make("div", { class: "picture", tabindex: "0", role: "region", "aria-label": words }, image));
    }
    caption.append(" · ", make("a", { href: address, download: "" }, t("Download")));
  }
  say(t("The images are drawn"));
}

async function draw() {
  const body = asked();
  const chosen = form.elements;
  const words = `${chosen.output.selectedOptions[0].text} · ${chosen.checkpoint.selectedOptions[0].text} · ${t("seed {seed}", { seed: body.params.seed })}`;
  const buttons = form.querySelectorAll("button");
  buttons.forEach((button) => button.setAttribute("aria-disabled", "true"));
  try {
    const job = await call("POST", "/v1/jobs", body, headers(body));
    for (const old of form.querySelectorAll(".problem")) old.remove();
    for (const old of form.querySelectorAll("[aria-invalid]")) old.removeAttribute("aria-invalid");
    const known = document.getElementById(`sample-${job.id}`);
    if (known) return known.scrollIntoView({ block: "nearest" });
    const link = make("a", { href: `/dashboard/jobs/${job.id}` }, words);
    const figure = make("figure", { class: "sample", id: `sample-${job.id}` }, make("p", { class: "hint" }, t("Being drawn…")), make("figcaption", {}, link));
    results.prepend(figure);
    show(figure, words, job, body).catch((error) => tell(error));
  } catch (error) {
    tell(error, form);
  } finally {
    buttons.forEach((button) => button.removeAttribute("aria-disabled"));
  }
}

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
  document.getElementById("sample-next").addEventListener("click", () => {
    if (!form.reportValidity()) return;
    form.elements.seed.value = Number(form.elements.seed.value) + 1;
    draw();
  });
}
