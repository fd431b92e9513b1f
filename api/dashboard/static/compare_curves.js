// Curves of many jobs on shared axes: one line a job, or the mean of a group and its spread. Every job has a clock
// (chart_places.js).
import { call } from "./calls.js";
import { AXES, place } from "./chart_places.js";
import { chart, make } from "./charts.js";
import { means, words } from "./compare_means.js";
import { t } from "./words.js";

// Few jobs are asked for all their curves at once. Of many, a chart asks when it comes into view, for fewer points.
const FEW = 8;
const POINTS = { few: 600, many: 240 };
const AT_ONCE = 6;
const AGAIN_MS = { few: 0, many: 30_000 };
const MOST_NAMED = 8;
const FIRST = ["d_loss", "g_loss", "fd_ratio", "coverage", "kl", "d_real", "d_fake", "gradient_penalty", "accuracy", "loss"];

export class Curves {
  constructor(box, { axis, spread, grouped, onPick }) {
    this.box = box;
    this.axis = axis;
    this.spread = spread;
    this.grouped = grouped; // whether a line is a mean; else each job has its own
    this.onPick = onPick;
    this.charts = new Map();
    this.series = new Map(); // by job, by metric: { steps, values }
    this.asked = new Map(); // by job: when, and at which event
    this.hidden = new Set();
    this.seen = new Set(); // metrics whose charts were in view
    this.mark = null; // where the images are from
    this.jobs = [];
    this.groups = [];
    this.watch = new IntersectionObserver((entries) => this.look(entries));
  }

  get size() {
    return this.jobs.length > FEW ? "many" : "few";
  }

  /** Take what the page tells: jobs, groups, and the metrics that there are. Asks for what is new. */
  async follow(jobs, groups, metrics) {
    Object.assign(this, { jobs, groups });
    this.lazy = this.size === "many" && metrics.length > 0;
    if (this.lazy) {
      for (const name of metrics) this.part(name);
      await this.load(this.stale(), [...this.seen]);
    } else await this.load(this.stale(), null);
    this.draw();
  }

  /** Ask again for the curves of running jobs. */
  async renew() {
    const running = this.stale().filter((job) => job.live);
    if (!running.length) return;
    await this.load(running, this.lazy ? [...this.seen] : null);
    this.draw();
  }

  // Jobs that have told more since they were asked; each again only after a while where there are many.
  stale() {
    const now = performance.now();
    return this.jobs.filter((job) => {
      const last = this.asked.get(job.id);
      return !last || ((last.seq !== job.seq || job.live) && now - last.at >= AGAIN_MS[this.size]);
    });
  }

  async look(entries) {
    const fresh = entries.filter((one) => one.isIntersecting).map((one) => one.target.dataset.metric);
    for (const entry of entries) if (entry.isIntersecting) this.watch.unobserve(entry.target);
    for (const name of fresh) this.seen.add(name);
    if (fresh.length) await this.load(this.jobs, fresh);
  }

  // Ask some jobs at once; draw as they come. `names` null: every metric.
  async load(jobs, names) {
    const queue = names?.length === 0 ? [] : [...jobs];
    for (const job of jobs) this.asked.set(job.id, { seq: job.seq, at: performance.now() });
    const some = async () => {
      for (let job = queue.shift(); job; job = queue.shift()) {
        const asked = names ? `&names=${names.join(",")}` : "";
        try {
          const { series } = await call("GET", `/v1/jobs/${job.id}/metrics?max_points=${POINTS[this.size]}${asked}`);
          this.series.set(job.id, { ...this.series.get(job.id), ...series });
          if (names) this.draw(names);
        } catch {
          // The service is not available: the curves stay, and the next round asks again.
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, some));
  }

  // The place of a metric's chart, which is made when the metric is there or has come into view.
  part(name) {
    let found = this.box.querySelector(`[data-metric="${name}"]`);
    if (found) return found;
    if (!this.box.querySelector("[data-metric]")) this.box.replaceChildren();
    found = make("div", { "data-metric": name, class: "chart-of" }, make("h3", {}, name));
    this.box.append(found);
    if (this.lazy) this.watch.observe(found);
    return found;
  }

  draw(names = null) {
    const held = new Set([...this.series.values()].flatMap((one) => Object.keys(one)));
    const ordered = [...FIRST.filter((name) => held.has(name)), ...[...held].filter((name) => !FIRST.includes(name)).sort()];
    if (!ordered.length && !this.lazy) this.box.replaceChildren(make("p", { class: "muted" }, t("None of these jobs has metrics yet.")));
    for (const name of ordered.filter((one) => !names || names.includes(one))) {
      if (!this.charts.has(name)) {
        const { label, format } = AXES[this.axis];
        const options = { label: name, xLabel: label, xFormat: format, group: "compare", onPick: this.onPick, mostNamed: MOST_NAMED, hidden: this.hidden };
        this.charts.set(name, chart(this.part(name), options));
        this.charts.get(name).cursor(this.mark);
      }
      this.charts.get(name).set(this.lines(name));
    }
  }

  // A line has the same colour and dashes in every chart, whichever others have the metric.
  lines(name) {
    const curves = new Map();
    this.jobs.forEach((job, n) => {
      const curve = this.series.get(job.id)?.[name];
      if (curve) curves.set(n, { x: curve.steps.map((step) => place(job, step, this.axis)), y: curve.values });
    });
    if (!this.grouped) return this.groups.flatMap(({ n, name: title, jobs: [one] }) => (curves.has(one) ? [{ name: title, n, ...curves.get(one) }] : []));
    const ends = [...curves.values()].flatMap(({ x }) => (x.length ? [x[0], x.at(-1)] : []));
    const [low, high] = [Math.min(...ends), Math.max(...ends)];
    return this.groups.flatMap(({ n, name: title, jobs }) => {
      const mine = jobs.filter((one) => curves.get(one)?.x.length).map((one) => curves.get(one));
      if (!mine.length) return [];
      const line = means(mine, low, high, POINTS[this.size] / 4, this.spread);
      const told = { name: title, n, ...line, words: (at) => words(line, at, this.spread) };
      return [mine.length > 1 ? told : { ...told, low: undefined, high: undefined }];
    });
  }

  toggle(n, show) {
    if (show) this.hidden.delete(n);
    else this.hidden.add(n);
    for (const one of this.charts.values()) one.toggle(n, show);
  }

  cursor(x) {
    this.mark = x;
    for (const one of this.charts.values()) one.cursor(x);
  }

  /** Draw over another axis, or with another spread. */
  change({ axis = this.axis, spread = this.spread }) {
    Object.assign(this, { axis, spread });
    const { label, format } = AXES[axis];
    for (const one of this.charts.values()) Object.assign(one, { xLabel: label, xFormat: format, range: null });
    this.draw();
  }
}
