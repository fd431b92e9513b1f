// Curves over steps, images or time, drawn by uPlot. For every reader: lines that differ in colour and dashes, a slider
// over the points that speaks the values, and a table of some of the points.
//
//   const losses = chart(element, { label: "Losses", xLabel: "Step", group: "job", onPick: (x) => … });
//   losses.set([{ name: "d_loss", x: [1, 2], y: [0.7, null] }]);   // any number of calls: drawn at most four times a second
//   losses.set([{ name: "width 64", x, y, low, high }]);           // with a band from low to high; null: none there
//   losses.set([{ name: "d_loss", x, y, raw }]);                   // with the values before smoothing, faint below
//   losses.log = true;                                             // a logarithmic axis where all values are positive
//   losses.toggle(2, false);                                       // hide the line with n = 2
//   losses.cursor(2);                                              // a permanent mark; null removes it
//
// Charts of one group zoom together. The page loads vendor/uPlot.iife.min.js, vendor/uPlot.min.css and charts.css.
import { keyOf, legend, make, nearest, readings, style, table, tip } from "./charts_words.js";
import { figure } from "./figures.js";
import { icon } from "./icons.js";
import { t } from "./words.js";

export { make, nearest };

const DRAW_EVERY_MS = 250;
const HEIGHT = 220;
// Dashes of a line with more points than this would be noise.
const MOST_DASHED = 500;
const groups = new Map();

/** How many columns of data a line has: its values, the edges of its band, its values before smoothing. */
const widthOf = (line) => 1 + (line.low ? 2 : 0) + (line.raw ? 1 : 0);
const isPositive = (line) => [line.y, line.low, line.raw].every((values) => !values || values.every((value) => value === null || value > 0));

class Chart {
  constructor(element, { label, xLabel = t("Step"), xFormat = figure, height = HEIGHT, group = null, onPick = null, series = [], mostNamed = Infinity, hidden = new Set() }) {
    this.element = element;
    this.label = label;
    this.xLabel = xLabel;
    this.xFormat = xFormat;
    this.height = height;
    this.onPick = onPick;
    this.mostNamed = mostNamed; // a chart with more lines has no legend of its own, and speaks only so many
    this.hidden = hidden; // the n (or names) of lines that are hidden; may be shared by charts
    this.lines = [];
    this.plot = null;
    this.log = false;
    this.range = null;
    this.mark = null;
    this.at = null;
    this.group = groups.get(group) || new Set();
    if (group !== null) groups.set(group, this.group);
    this.group.add(this);
    this.build();
    if (series.length) this.set(series);
  }

  build() {
    const button = (sign, name, act) => {
      const made = make("button", { type: "button", class: "quiet", title: name, "aria-label": `${name}: ${this.label}` }, icon(sign));
      made.addEventListener("click", act);
      return made;
    };
    this.reset = button("all", t("Show all"), () => this.zoom(null));
    this.legend = make("ul", { class: "chart-legend" });
    this.tools = make("div", { class: "chart-tools" }, button("more", t("Zoom in"), () => this.zoomBy(0.5)), button("less", t("Zoom out"), () => this.zoomBy(2)), this.reset);
    this.plotBox = make("div", { class: "chart-plot", role: "slider", tabindex: "0", "aria-label": this.label, "aria-valuemin": 0, "aria-valuemax": 0, "aria-valuenow": 0 });
    this.plotBox.addEventListener("keydown", (event) => this.key(event));
    this.plotBox.addEventListener("focus", () => this.point(this.at ?? this.mark ?? this.data?.[0].at(-1) ?? null));
    this.plotBox.addEventListener("blur", () => this.plot?.setCursor({ left: -10, top: -10 }));
    this.table = table(this);
    this.element.classList.add("chart");
    this.element.append(make("div", { class: "chart-bar" }, this.legend, this.tools), this.plotBox, this.table.element);
    new ResizeObserver(() => this.fit()).observe(this.plotBox);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.plot?.redraw());
    document.addEventListener("theme", () => this.plot?.redraw());
  }

  /** Show these lines: [{ name, x, y, n, low, high, words }]. `n` selects colour and dashes; default: the index of the
   * line. `words(index)` returns the value of a point as text; default: its figure. */
  set(lines) {
    this.next = lines;
    if (this.waiting) return;
    this.waiting = true;
    const wait = Math.max(0, (this.drawn || 0) + DRAW_EVERY_MS - performance.now());
    setTimeout(() => requestAnimationFrame(() => this.draw()), wait);
  }

  /** Keep a mark at x, and show the values there unless the pointer is elsewhere. */
  cursor(x) {
    this.mark = x;
    this.place();
    this.say(this.at ?? x);
  }

  draw() {
    this.waiting = false;
    this.drawn = performance.now();
    const names = (lines) => lines.map((line) => `${line.name}\t${line.n}\t${widthOf(line)}\t${line.x.length > MOST_DASHED}`).join("\n");
    const logarithmic = this.log && this.next.every(isPositive);
    const same = this.plot && names(this.lines) === names(this.next) && logarithmic === this.logarithmic;
    this.lines = this.next;
    this.logarithmic = logarithmic;
    const columns = this.lines.map((line) => [line.x, line.y, ...(line.low ? [line.low, line.high] : []), ...(line.raw ? [line.raw] : [])]);
    const filled = this.lines.filter((line) => line.x.length);
    // Lines have points at different x. A missing point is no gap; a null is one.
    this.data = filled.length ? window.uPlot.join(columns) : [[], ...columns.flatMap(([, ...ys]) => ys.map(() => []))];
    if (same) this.plot.setData(this.data, false);
    else this.replace();
    for (const one of this.group) one.show();
    this.plotBox.setAttribute("aria-valuemin", this.data[0][0] ?? 0);
    this.plotBox.setAttribute("aria-valuemax", this.data[0].at(-1) ?? 0);
    this.table.update();
    this.say(this.at ?? this.mark);
  }

  replace() {
    this.plot?.destroy();
    this.plot = new window.uPlot(this.options(), this.data, this.plotBox);
    this.line = make("div", { class: "chart-mark", hidden: "" });
    this.tip = make("div", { class: "chart-tip", "aria-hidden": "true", hidden: "" });
    this.plot.over.append(this.line, this.tip);
    const named = this.lines.length <= this.mostNamed;
    this.values = legend(this.legend, named ? this.lines : [], this.hidden, (n, show) => this.toggle(n, show));
    this.place();
  }

  /** Hide or show the line with this `n`, or without one of this name. */
  toggle(n, show) {
    if (show) this.hidden.delete(n);
    else this.hidden.add(n);
    let column = 1;
    this.lines.forEach((line) => {
      const width = widthOf(line);
      if (keyOf(line) === n) for (let part = 0; part < width; part++) this.plot?.setSeries(column + part, { show });
      column += width;
    });
    this.legend.querySelector(`[data-line="${CSS.escape(n)}"]`)?.setAttribute("aria-pressed", show);
    this.say(this.at ?? this.mark);
  }

  options() {
    const colour = (name) => () => getComputedStyle(this.element).getPropertyValue(name).trim();
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 }, font: "12px system-ui, sans-serif" };
    const bands = [];
    const series = this.lines.flatMap((line, place, all) => {
      const { name, n, low, raw } = line;
      const { colour: number, dash } = style(n ?? place);
      const show = !this.hidden.has(keyOf(line));
      const many = line.x.length > MOST_DASHED;
      const main = { label: name, stroke: colour(`--curve-${number}`), dash: many ? [] : dash, width: 1.75, show, points: { show: (plot) => plot.data[0].length < 3 } };
      const faint = raw ? [{ label: `${name} raw`, stroke: () => `${colour(`--curve-${number}`)()}70`, width: 1, show, points: { show: false } }] : [];
      if (!low) return [main, ...faint];
      // The two edges of a band are lines that are not seen.
      const edge = { stroke: "#0000", width: 0, show, points: { show: false } };
      const column = 1 + all.slice(0, place).reduce((sum, one) => sum + widthOf(one), 0);
      bands.push({ series: [column + 2, column + 1], fill: () => `${colour(`--curve-${number}`)()}33` });
      return [main, { ...edge, label: `${name} low` }, { ...edge, label: `${name} high` }, ...faint];
    });
    const pressed = { left: 0 };
    return {
      width: Math.max(80, this.plotBox.clientWidth), height: this.height, legend: { show: false }, series: [{}, ...series], bands,
      scales: { x: { time: false }, ...(this.logarithmic ? { y: { distr: 3, range: (_, low, high) => [low * 0.9, high * 1.1] } } : {}) },
      axes: [{ ...axis, size: 30, label: () => this.xLabel, labelSize: 18, labelGap: 0, labelFont: axis.font, values: (_, splits) => splits.map((value) => this.xFormat(value)), space: 70 }, { ...axis, size: 58, values: (_, splits) => splits.map((value) => (value === null ? "" : figure(value))) }],
      cursor: {
        y: false, drag: { x: true, y: false, setScale: false }, sync: { key: this.syncKey(), filters: { pub: (type) => type.startsWith("mouse") && !/down|up/.test(type) } },
        bind: { dblclick: () => () => this.zoom(null), mousedown: (_, _over, handle) => (event) => { pressed.left = event.clientX; handle(event); } },
      },
      hooks: {
        setCursor: [(plot) => this.point(plot.cursor.left >= 0 ? plot.posToVal(plot.cursor.left, "x") : null)],
        setScale: [(_, key) => key === "x" && this.place()], setSize: [() => this.place()],
        setSelect: [(plot) => plot.select.width > 3 && this.zoom([plot.posToVal(plot.select.left, "x"), plot.posToVal(plot.select.left + plot.select.width, "x")])],
        ready: [(plot) => plot.over.addEventListener("click", (event) => Math.abs(event.clientX - pressed.left) < 4 && plot.cursor.left >= 0 && this.onPick?.(plot.posToVal(plot.cursor.left, "x")))],
      },
    };
  }

  syncKey() {
    return (this.group.key ||= `charts-${Math.random()}`);
  }

  /** Zoom this chart and those of its group to [low, high]; null shows all. */
  zoom(range) {
    const [first, last] = this.extent();
    const [low, high] = range ? [Math.max(first, range[0]), Math.min(last, range[1])] : [first, last];
    if (range && high <= low) return;
    for (const one of this.group) {
      one.range = low > first || high < last ? [low, high] : null;
      one.plot?.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      one.show();
    }
  }

  // The charts of a group are aligned: the same position is the same step in all of them.
  extent() {
    const all = [...this.group].filter((one) => one.data?.[0].length);
    return all.length ? [Math.min(...all.map((one) => one.data[0][0])), Math.max(...all.map((one) => one.data[0].at(-1)))] : [0, 1];
  }

  show() {
    if (!this.plot) return;
    const [first, last] = this.extent();
    const [min, max] = this.range || (first < last ? [first, last] : [first - 1, last + 1]);
    this.plot.setScale("x", { min, max });
    this.reset.disabled = !this.range;
    this.place();
  }

  zoomBy(factor) {
    const { min, max } = this.plot?.scales.x || {};
    if (min === undefined || min === null) return;
    const middle = this.at ?? this.mark ?? (min + max) / 2;
    const centre = middle >= min && middle <= max ? middle : (min + max) / 2;
    const [low, high] = [centre - (centre - min) * factor, centre + (max - centre) * factor];
    this.zoom([low, high]);
  }

  fit() {
    const width = this.plotBox.clientWidth;
    if (this.plot && width > 0 && Math.abs(width - this.plot.width) > 1) this.plot.setSize({ width, height: this.height });
  }

  place() {
    if (!this.plot || !this.line) return;
    const { min, max } = this.plot.scales.x;
    this.line.hidden = this.mark === null || this.mark < min || this.mark > max;
    if (!this.line.hidden) this.line.style.transform = `translateX(${this.plot.valToPos(this.mark, "x")}px)`;
  }

  point(x) {
    this.at = x;
    this.say(x ?? this.mark);
    this.tell(x);
  }

  // The values at x beside the cursor, of the chart that somebody points at or has the focus in.
  tell(x) {
    if (!this.plot || !this.tip) return;
    const xs = this.data[0];
    const here = x !== null && xs.length > 0 && this.plotBox.matches(":hover, :focus-visible");
    this.tip.hidden = !here;
    if (!here) return;
    const at = xs[nearest(xs, x)];
    tip(this.tip, `${this.xLabel} ${this.xFormat(at)}`, this.lines, this.hidden, at);
    const left = this.plot.valToPos(at, "x");
    this.tip.classList.toggle("before", left > this.plot.over.clientWidth / 2);
    this.tip.style.left = `${left}px`;
  }

  // Show the values at x in the legend and in the slider's text; the last values if there is no x.
  say(x) {
    if (!this.values) return;
    this.values(this.lines, x);
    const shown = this.lines.filter((line) => !this.hidden.has(keyOf(line)));
    const parts = readings(shown.slice(0, this.mostNamed), x);
    if (shown.length > this.mostNamed) parts.push(t("and {n} more", { n: shown.length - this.mostNamed }));
    const at = x ?? this.data[0].at(-1) ?? 0;
    this.plotBox.setAttribute("aria-valuenow", at);
    this.plotBox.setAttribute("aria-valuetext", `${this.xLabel} ${this.xFormat(Math.round(at * 100) / 100)}: ${parts.join(", ")}`);
  }

  key(event) {
    const xs = this.data?.[0] || [];
    if (!xs.length || event.target !== this.plotBox || event.altKey || event.ctrlKey || event.metaKey) return;
    const n = nearest(xs, this.at ?? this.mark ?? xs.at(-1));
    const leap = Math.max(1, Math.round(xs.length / 20));
    const to = { ArrowLeft: n - 1, ArrowDown: n - 1, ArrowRight: n + 1, ArrowUp: n + 1, PageDown: n - leap, PageUp: n + leap, Home: 0, End: xs.length - 1 }[event.key];
    const acts = { "+": () => this.zoomBy(0.5), "-": () => this.zoomBy(2), 0: () => this.zoom(null), Escape: () => this.zoom(null), Enter: () => this.onPick?.(this.at ?? this.mark ?? xs.at(-1)) };
    if (to !== undefined) {
      const x = xs[Math.min(xs.length - 1, Math.max(0, to))];
      this.plot.setCursor({ left: this.plot.valToPos(x, "x"), top: 10 });
      this.point(x);
    } else if (acts[event.key]) acts[event.key]();
    else return;
    event.preventDefault();
  }
}

/** Draw a chart into an element; see the top of this file. */
export function chart(element, options) {
  return new Chart(element, options);
}
