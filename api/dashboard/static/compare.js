// Jobs on shared axes. Every job has a clock (api/dashboard/chart_axes.py): the images and seconds at each of its steps.
// It places curves and images of all jobs over images, time or steps.
import { call } from "./calls.js";
import { chart, make, nearest } from "./charts.js";
import { duration, figure, number, span } from "./figures.js";
import { icon } from "./icons.js";
import { t } from "./words.js";

const POINTS = 600;
const ASK_EVERY_MS = 5000;
const PLAY_EVERY_MS = 500;
const FIRST = ["d_loss", "g_loss", "fd_ratio", "coverage", "kl", "d_real", "d_fake", "gradient_penalty", "accuracy", "loss"];

const holder = document.getElementById("compare-data");
const charts = new Map();
const series = new Map(); // by job: the answer of /metrics
let jobs = [];
let axis = document.querySelector("#axis :checked").value;

/** Return the position of a job on the axis at a step. */
function place(job, step) {
  if (axis === "steps") return step;
  const { steps, images, seconds } = job.clock;
  const ys = axis === "images" ? images : seconds;
  let n = nearest(steps, step);
  if (n > 0 && steps[n] > step) n -= 1;
  n = Math.min(n, steps.length - 2);
  if (n < 0 || steps[n + 1] === steps[n]) return ys.at(-1) ?? 0;
  const along = (step - steps[n]) / (steps[n + 1] - steps[n]);
  return ys[n] + along * (ys[n + 1] - ys[n]);
}

const AXES = {
  images: { label: t("Images"), words: (x) => t("{n} images", { n: number(Math.round(x)) }), format: (x) => (x >= 1e6 ? `${figure(x / 1e6)} M` : x >= 1e4 ? `${figure(x / 1e3)} k` : figure(x)) },
  time: { label: t("Time"), words: (x) => (x < 60 ? span(x) : duration(x)), format: span },
  steps: { label: t("Steps"), words: (x) => t("step {n}", { n: number(Math.round(x)) }), format: figure },
};

// -- curves

async function ask(job) {
  try {
    series.set(job.id, (await call("GET", `/v1/jobs/${job.id}/metrics?max_points=${POINTS}`)).series);
  } catch {
    // The service is not available: the curves stay, and the next round asks again.
  }
}

function draw() {
  const names = new Set([...series.values()].flatMap((one) => Object.keys(one)));
  const ordered = [...FIRST.filter((name) => names.has(name)), ...[...names].filter((name) => !FIRST.includes(name)).sort()];
  const box = document.getElementById("charts");
  if (ordered.length && !charts.size) box.replaceChildren();
  else if (!ordered.length) box.replaceChildren(make("p", { class: "muted" }, t("None of these jobs has metrics yet.")));
  for (const name of ordered) {
    if (!charts.has(name)) {
      const part = make("div", {}, make("h3", {}, name));
      box.append(part);
      const { label, format } = AXES[axis];
      charts.set(name, chart(part, { label: name, xLabel: label, xFormat: format, group: "compare", onPick: pick }));
    }
    charts.get(name).set(jobs.flatMap((job, n) => line(job, n, series.get(job.id)?.[name])));
  }
}

// A job has the same colour and dashes in every chart, whichever other jobs have the metric.
function line(job, n, curve) {
  return curve ? [{ name: `${n + 1} ${job.name}`, n, x: curve.steps.map((step) => place(job, step)), y: curve.values }] : [];
}

// -- pictures

const slide = document.getElementById("slide");
const slider = document.getElementById("place");
let stops = [];
let timer = null;

function findStops() {
  if (!slider) return;
  const before = stops[slider.value];
  const atEnd = !stops.length || Number(slider.value) === stops.length - 1;
  stops = [...new Set(jobs.flatMap((job) => job.grids.map(([, step]) => place(job, step))))].sort((a, b) => a - b);
  slide.hidden = stops.length < 2;
  slider.max = Math.max(0, stops.length - 1);
  slider.value = atEnd ? slider.max : Math.max(0, nearest(stops, before));
  look();
}

/** Show the latest image of each job up to the position of the slider. */
function look() {
  const x = stops[slider.value];
  if (x === undefined) return;
  for (const job of jobs) {
    const figureOf = document.getElementById(`grid-${job.id}`);
    const drawn = job.grids.filter(([, step]) => place(job, step) <= x).at(-1);
    let image = figureOf.querySelector("img");
    figureOf.querySelector(".none").hidden = Boolean(drawn);
    if (!drawn) {
      if (image) image.hidden = true;
      figureOf.querySelector(".caption").textContent = "";
      continue;
    }
    const [id, step, epoch] = drawn;
    if (!image) figureOf.querySelector(".frame").prepend((image = make("img", { class: "pixels" })));
    const source = `/v1/artifacts/${id}/content?redirect=false`;
    if (image.getAttribute("src") !== source) image.src = source;
    image.hidden = false;
    image.alt = t("Grid of {name}, epoch {epoch}", { name: job.name, epoch });
    const last = drawn === job.grids.at(-1) && !job.live && place(job, step) < x;
    const words = step ? t("epoch {epoch}, {place}", { epoch, place: AXES[axis].words(place(job, step)) }) : t("before training");
    figureOf.querySelector(".caption").textContent = last ? `${words} · ${t("last image")}` : words;
  }
  const words = AXES[axis].words(x);
  document.getElementById("place-words").textContent = words;
  slider.setAttribute("aria-valuetext", words);
  for (const one of charts.values()) one.cursor(x);
}

function pick(x) {
  if (!stops.length) return;
  slider.value = nearest(stops, x);
  look();
}

function play(on) {
  clearInterval(timer);
  timer = null;
  const button = document.getElementById("play");
  button.setAttribute("aria-pressed", on);
  button.firstElementChild.replaceWith(icon(on ? "paused" : "running"));
  button.querySelector(".word").textContent = on ? t("Pause") : t("Play");
  if (!on) return;
  if (Number(slider.value) === stops.length - 1) slider.value = 0;
  timer = setInterval(() => {
    slider.value = Number(slider.value) + 1;
    look();
    if (Number(slider.value) >= stops.length - 1) play(false);
  }, PLAY_EVERY_MS);
}

slider?.addEventListener("input", () => {
  if (timer) play(false);
  look();
});
document.getElementById("play")?.addEventListener("click", () => play(!timer));

// -- the axis, and what is new

function explain() {
  const hint = document.getElementById("axis-hint");
  hint.textContent = hint.dataset[axis];
}

document.getElementById("axis").addEventListener("change", (event) => {
  const x = stops[slider?.value];
  const share = stops.length > 1 && x !== undefined ? Number(slider.value) / (stops.length - 1) : 1;
  axis = event.target.value;
  const address = new URL(location.href);
  address.searchParams.set("x", axis);
  history.replaceState(null, "", address.href.replaceAll("%2C", ","));
  explain();
  const { label, format } = AXES[axis];
  for (const one of charts.values()) Object.assign(one, { xLabel: label, xFormat: format, range: null });
  draw();
  stops = [];
  findStops();
  if (slider) slider.value = Math.round(share * (stops.length - 1));
  if (slider) look();
});

async function follow() {
  const newer = JSON.parse(holder.dataset.jobs);
  const changed = newer.filter((job) => job.seq !== jobs.find((old) => old.id === job.id)?.seq || !series.has(job.id));
  jobs = newer;
  if (changed.length) await Promise.all(changed.map(ask));
  draw();
  findStops();
}

explain();
follow();
document.addEventListener("refreshed", follow);
// Epochs may take long: between them, refresh the curves of running jobs.
setInterval(async () => {
  const running = jobs.filter((job) => job.live);
  if (document.hidden || !running.length) return;
  await Promise.all(running.map(ask));
  draw();
}, ASK_EVERY_MS);
