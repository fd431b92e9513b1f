// Where the steps of a job are on an axis of steps, images or time. A job has a clock (api/dashboard/chart_axes.py): the
// images and seconds at some of its steps.
import { nearest } from "./charts_words.js";
import { duration, figure, number, span } from "./figures.js";
import { t } from "./words.js";

export const AXES = {
  images: { label: t("Images"), words: (x) => t("{n} images", { n: number(Math.round(x)) }), format: (x) => (x >= 1e6 ? `${figure(x / 1e6)} M` : x >= 1e4 ? `${figure(x / 1e3)} k` : figure(x)) },
  time: { label: t("Time"), words: (x) => (x < 60 ? span(x) : duration(x)), format: span },
  steps: { label: t("Steps"), words: (x) => t("step {n}", { n: number(Math.round(x)) }), format: figure },
};

// The value at x on the line through points whose xs rise; beyond its ends, on the line through the nearest two.
function along(xs, ys, x) {
  let n = nearest(xs, x);
  if (n > 0 && xs[n] > x) n -= 1;
  n = Math.min(n, xs.length - 2);
  if (n < 0 || xs[n + 1] === xs[n]) return ys.at(-1) ?? 0;
  return ys[n] + ((x - xs[n]) / (xs[n + 1] - xs[n])) * (ys[n + 1] - ys[n]);
}

const axisOf = ({ images, seconds }, axis) => (axis === "images" ? images : seconds);

/** Return the position of a job on an axis at a step. */
export function place(job, step, axis) {
  return axis === "steps" ? step : along(job.clock.steps, axisOf(job.clock, axis), step);
}

/** Return the step of a job at a position on an axis. */
export function stepAt(job, x, axis) {
  return axis === "steps" ? x : along(axisOf(job.clock, axis), job.clock.steps, x);
}
