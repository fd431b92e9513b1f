// The curves of a job: the metrics so far in one answer, thinned by the service; new ones are appended.
import { call, tell } from "./calls.js";
import { AXES, place, stepAt } from "./chart_places.js";
import { chart } from "./charts.js";
import { watchOptions } from "./job_options.js";
import { t } from "./words.js";

const POINTS = 1000;
const MAX_POINTS = 3 * POINTS;
const GROUPS = {
  ratio: /^fd_ratio$/,
  variety: /^(coverage|kl)$/,
  judgement: /^d_(real|fake)/,
  rates: /learning_rate/,
  speed: /^images_per_second$/,
  gradients: /grad_norm/,
  load: /^(cpu|gpu)_pct$/,
  wait: /^data_wait_pct$/,
  memory: /^(gpu_)?memory_bytes$/,
  power: /^watts$/,
  losses: /loss|gradient_penalty/,
  others: /./,
};

const groupOf = (name) => Object.keys(GROUPS).find((group) => GROUPS[group].test(name));

// Fixed order: a metric has the same colour and dashes on every job, the most important first.
const FIRST = ["d_loss", "g_loss", "d_real", "d_fake", "d_grad_norm", "g_grad_norm", "fd_ratio", "coverage", "kl"];
const rank = (name) => (FIRST.indexOf(name) + 1 || FIRST.length + 1);

/** Keep the lowest and the highest point of each bucket, every gap, and the first and the last point. */
export function thin(curve, most) {
  const { x, y } = curve;
  const size = Math.ceil((2 * x.length) / most);
  const kept = [];
  for (let first = 0; first < x.length; first += size) {
    const last = Math.min(x.length, first + size);
    const marks = new Set(first === 0 ? [0] : []);
    let [low, high] = [-1, -1];
    for (let n = first; n < last; n++) {
      if (y[n] === null) marks.add(n);
      else {
        if (low < 0 || y[n] < y[low]) low = n;
        if (high < 0 || y[n] > y[high]) high = n;
      }
    }
    if (low >= 0) marks.add(low).add(high);
    if (last === x.length) marks.add(last - 1);
    kept.push(...[...marks].sort((a, b) => a - b));
  }
  return { x: kept.map((n) => x[n]), y: kept.map((n) => y[n]) };
}

/** An exponential moving average; a gap stays a gap. `weight` 0 changes nothing. */
export function smooth({ x, y }, weight) {
  if (!weight) return { x, y };
  let mean = 0;
  let sum = 0;
  return { x, y: y.map((value) => {
    if (value === null) return null;
    mean = weight * mean + (1 - weight) * value;
    sum = weight * sum + (1 - weight);
    return mean / sum;
  }) };
}

class Curves {
  constructor(data, onPick) {
    this.address = data.at.metrics;
    this.clock = data.clock;
    this.axis = "steps";
    this.log = false;
    this.onPick = (x) => onPick(Math.round(stepAt(this, x, this.axis)));
    this.curves = new Map();
    this.charts = new Map();
    this.todo = new Set();
    this.weight = 0;
    this.mark = null;
    this.waiting = [];
    this.curves.set("images_per_second", { x: [...data.speed.steps], y: [...data.speed.values] });
    this.slider = document.getElementById("smoothing");
    watchOptions((choice) => this.choose(choice), data.id ? this.address : null);
    this.load();
  }

  async load() {
    try {
      const answer = await call("GET", `${this.address}?max_points=${POINTS}`);
      for (const [name, { steps, values }] of Object.entries(answer.series)) this.curves.set(name, { x: steps, y: values });
    } catch (error) {
      tell(error);
    }
    const early = this.waiting;
    this.waiting = null;
    early?.forEach(([steps, values]) => this.put(steps, values));
    for (const group of Object.keys(GROUPS)) this.draw(group);
    this.showNone();
  }

  /** Draw with another smoothing, axis or scale. */
  choose(choice) {
    Object.assign(this, choice);
    for (const drawn of this.charts.values()) {
      Object.assign(drawn, { log: this.log, ...this.words(), range: "axis" in choice ? null : drawn.range });
      drawn.cursor(this.position(this.mark));
    }
    for (const group of Object.keys(GROUPS)) this.draw(group);
  }

  /** Take the newest images and seconds at each step. */
  tick(clock) {
    this.clock = clock;
    if (this.axis !== "steps") for (const group of Object.keys(GROUPS)) this.stale(group);
  }

  words() {
    return this.axis === "steps" ? { xLabel: t("Step"), xFormat: AXES.steps.format } : { xLabel: AXES[this.axis].label, xFormat: AXES[this.axis].format };
  }

  position(step) {
    return step === null ? null : place(this, step, this.axis);
  }

  /** Append the values of a metric event. */
  add(steps, values) {
    if (this.waiting) this.waiting.push([steps, values]);
    else this.put(steps, values);
  }

  put(steps, values) {
    for (const [name, points] of Object.entries(values)) {
      let curve = this.curves.get(name);
      if (!curve) this.curves.set(name, (curve = { x: [], y: [] }));
      this.cut(curve, steps[0] - 1); // after a rollback, a run reports these steps again
      for (let n = 0; n < steps.length; n++) {
        curve.x.push(steps[n]);
        curve.y.push(points[n] ?? null);
      }
      if (curve.x.length > MAX_POINTS) this.curves.set(name, thin(curve, POINTS));
      this.stale(groupOf(name));
    }
    this.last = steps.at(-1);
  }

  cut({ x, y }, step) {
    while (x.length && x.at(-1) > step) {
      x.pop();
      y.pop();
    }
  }

  /** The run rolled back to a step: drop later points. */
  back(step) {
    for (const curve of this.curves.values()) this.cut(curve, step);
    for (const group of Object.keys(GROUPS)) this.stale(group);
  }

  /** An epoch ended at this speed and step; older trainers do not report the step. */
  pace(rate, end) {
    const curve = this.curves.get("images_per_second");
    const step = end ?? this.last ?? this.curves.get("d_loss")?.x.at(-1) ?? this.curves.get("loss")?.x.at(-1);
    if (step === undefined || rate === undefined) return;
    this.cut(curve, step - 1);
    curve.x.push(step);
    curve.y.push(rate);
    this.stale("speed");
  }

  // Several metrics of a group arrive together: draw once.
  stale(group) {
    if (!this.todo.size) queueMicrotask(() => {
      const groups = [...this.todo];
      this.todo.clear();
      groups.forEach((one) => this.draw(one));
      this.showNone();
    });
    this.todo.add(group);
  }

  draw(group) {
    const mine = [...this.curves].filter(([name, curve]) => groupOf(name) === group && curve.x.length);
    if (!mine.length) return;
    let drawn = this.charts.get(group);
    if (!drawn) {
      const box = document.querySelector(`.curve-group[data-group="${group}"]`);
      box.hidden = false;
      const place = box.appendChild(document.createElement("div"));
      drawn = chart(place, { label: box.dataset.label, group: "job", height: window.innerWidth < 640 ? 130 : 200, onPick: this.onPick, ...this.words() });
      drawn.log = this.log;
      drawn.cursor(this.position(this.mark));
      this.charts.set(group, drawn);
    }
    drawn.set(mine.sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1)).map(([name, curve]) => this.line(name, curve)));
  }

  // A curve over the chosen axis; a smoothed one with the values that it comes from.
  line(name, curve) {
    const x = this.axis === "steps" ? curve.x : curve.x.map((step) => this.position(step));
    const { y } = smooth(curve, this.weight);
    return { name, x, y, ...(this.weight ? { raw: curve.y } : {}) };
  }

  showNone() {
    const some = this.charts.size > 0;
    document.getElementById("curves-none").hidden = some;
    document.getElementById("curves-help").hidden = !some;
    this.slider.closest(".curve-tools").hidden = !some;
    const more = document.getElementById("more-curves");
    more.hidden = !more.querySelector(".curve-group:not([hidden])");
  }

  /** Mark a step on every curve. */
  cursor(step) {
    this.mark = step;
    for (const drawn of this.charts.values()) drawn.cursor(this.position(step));
  }
}

/** Draw a job's curves; `onPick(step)` is called on clicks. */
export function watchCurves(data, onPick) {
  return new Curves(data, onPick);
}
