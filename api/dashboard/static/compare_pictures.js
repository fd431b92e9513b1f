// Images of few jobs side by side, at one place of the horizontal axis, which a slider moves.
import { AXES, place } from "./chart_places.js";
import { make, nearest } from "./charts.js";
import { icon } from "./icons.js";
import { t } from "./words.js";

const PLAY_EVERY_MS = 500;

const slide = document.getElementById("slide");
const slider = document.getElementById("place");
let stops = [];
let timer = null;
let jobs = [];
let axis = "images";
let moved = (_x) => {};

/** Show these jobs over an axis; `onMove(x)` is called when the place changes. `keep` is the share of the way to stay at. */
export function show(newJobs, newAxis, onMove, keep = null) {
  [jobs, axis, moved] = [newJobs, newAxis, onMove];
  if (!slider) return;
  const before = stops[slider.value];
  const atEnd = !stops.length || Number(slider.value) === stops.length - 1;
  stops = [...new Set(jobs.flatMap((job) => job.grids.map(([, step]) => place(job, step, axis))))].sort((a, b) => a - b);
  slide.hidden = stops.length < 2;
  slider.max = Math.max(0, stops.length - 1);
  if (keep !== null) slider.value = Math.round(keep * (stops.length - 1));
  else slider.value = atEnd ? slider.max : Math.max(0, nearest(stops, before));
  look();
}

/** Show the latest image of each job up to the position of the slider. */
function look() {
  const x = stops[slider.value];
  if (x === undefined) return;
  for (const job of jobs) {
    const figureOf = document.getElementById(`grid-${job.id}`);
    const drawn = job.grids.filter(([, step]) => place(job, step, axis) <= x).at(-1);
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
    const last = drawn === job.grids.at(-1) && !job.live && place(job, step, axis) < x;
    const words = step ? t("epoch {epoch}, {place}", { epoch, place: AXES[axis].words(place(job, step, axis)) }) : t("before training");
    figureOf.querySelector(".caption").textContent = last ? `${words} · ${t("last image")}` : words;
  }
  const words = AXES[axis].words(x);
  document.getElementById("place-words").textContent = words;
  slider.setAttribute("aria-valuetext", words);
  moved(x);
}

/** Return the share of its way that the slider has gone. */
export function along() {
  return stops.length > 1 ? Number(slider.value) / (stops.length - 1) : 1;
}

/** Move the slider to the image nearest to x. */
export function pick(x) {
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
