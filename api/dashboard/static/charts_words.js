// The texts of a chart: its legend with the values at the cursor, and its points as a table.
import { figure } from "./figures.js";
import { t } from "./words.js";

const ROWS = 25;
const SVG = "http://www.w3.org/2000/svg";
const COLOURS = 8;
const DASHES = [[], [7, 3], [2, 3], [10, 3, 2, 3], [4, 4], [12, 4], [2, 2, 6, 2], [6, 2, 6, 6]];

/** Return the number of the colour, and the dashes, of line n. The first eight differ in both, 64 in one of the two. */
export function style(n) {
  return { colour: (n % COLOURS) + 1, dash: DASHES[(n + Math.floor(n / COLOURS)) % DASHES.length] };
}

/** Return the index of the entry nearest to x in a rising list; -1 in an empty one. */
export function nearest(list, x) {
  let low = 0;
  let high = list.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low > 0 && x - list[low - 1] <= list[low] - x ? low - 1 : high < 0 ? -1 : low;
}

/** Make an element with a class and children. */
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null && value !== false) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function swatch(n) {
  const { colour, dash } = style(n);
  const drawn = document.createElementNS(SVG, "svg");
  const line = document.createElementNS(SVG, "line");
  const set = (element, attributes) => Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
  set(drawn, { width: 26, height: 8, "aria-hidden": "true", class: `curve-${colour}` });
  set(line, { x1: 0, y1: 4, x2: 26, y2: 4, "stroke-width": 2.5, stroke: "currentColor", "stroke-dasharray": dash.join(" ") || "none" });
  drawn.append(line);
  return drawn;
}

// A line that starts long after x has no value there; of one that ends long before x it is its last one, which is said.
// Without x, the last one.
function valueAt({ x: xs, y: ys, words = (n) => figure(ys[n]) }, x) {
  if (x === null || x === undefined) return xs.length ? words(xs.length - 1) : figure(null);
  const n = nearest(xs, x);
  const slack = Math.max((xs.at(-1) - xs[0]) / 20, xs.at(-1) - (xs.at(-2) ?? xs.at(-1))) + 1;
  if (n < 0 || xs[n] - x > slack) return figure(null);
  return x - xs[n] > slack ? t("{value} (last)", { value: words(n) }) : words(n);
}

/** Return the values of lines at x, or their last ones, as texts. */
export function readings(lines, x) {
  return lines.map((line) => `${line.name} ${valueAt(line, x)}`);
}

/** What a line is known by: its `n`, or without one its name. */
export const keyOf = (line) => line.n ?? line.name;

/** Fill a legend; the button of a line hides and shows it. Returns a function that writes the current values at x (the
 * last ones without x) into the legend. */
export function legend(list, lines, hidden, toggle) {
  const cells = lines.map((line, place) => {
    const key = keyOf(line);
    const value = make("span", { class: "figure" });
    const button = make("button", { type: "button", class: "quiet", "data-line": key, "aria-pressed": String(!hidden.has(key)) }, swatch(line.n ?? place), ` ${line.name} `, value);
    button.addEventListener("click", () => toggle(key, button.getAttribute("aria-pressed") !== "true"));
    return { value, item: make("li", {}, button) };
  });
  list.replaceChildren(...cells.map((cell) => cell.item));
  return (now, x) =>
    cells.forEach(({ value }, n) => {
      const text = valueAt(now[n], x);
      if (value.textContent !== text) value.textContent = text;
    });
}

// So many lines are named beside the cursor.
const MOST_IN_TIP = 8;

/** Fill the box beside the cursor: where it is, and the value of each line there. */
export function tip(box, head, lines, hidden, x) {
  const rows = lines.flatMap((line, place) => {
    const value = hidden.has(keyOf(line)) ? figure(null) : valueAt(line, x);
    return value === figure(null) ? [] : [make("span", {}, swatch(line.n ?? place), ` ${line.name} `, make("b", {}, value))];
  });
  box.replaceChildren(make("strong", {}, head), ...rows.slice(0, MOST_IN_TIP), ...(rows.length > MOST_IN_TIP ? [make("span", {}, t("and {n} more", { n: rows.length - MOST_IN_TIP }))] : []));
}

/** Return a collapsed table of some of a chart's points; it is filled while open. */
export function table(chart) {
  const body = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${t("Data table")}: ${chart.label}` });
  const element = make("details", { class: "chart-table" }, make("summary", {}, t("Data table")), body);
  const update = () => {
    const xs = chart.data?.[0] || [];
    if (!element.open) return;
    const count = Math.min(ROWS, xs.length);
    const rows = Array.from({ length: count }, (_, n) => xs[Math.round((n * (xs.length - 1)) / Math.max(1, count - 1))]);
    const head = make("tr", {}, ...[chart.xLabel, ...chart.lines.map((line) => line.name)].map((name) => make("th", { scope: "col", class: "figure" }, name)));
    const row = (x) =>
      make("tr", {}, make("th", { scope: "row", class: "figure" }, chart.xFormat(x)), ...chart.lines.map((line) => make("td", { class: "figure" }, valueAt(line, x))));
    body.replaceChildren(make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows.map(row))));
  };
  element.addEventListener("toggle", update);
  return { element, update };
}
