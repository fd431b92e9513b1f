// The mean of several curves and its spread. Curves have points at different places, and thinned ones keep the lowest and
// the highest of a stretch; so the places are cut into equal bins, and a curve has one value in each.
import { figure } from "./figures.js";

/** Return the value of a curve in each of so many bins from `low` to `high`: the mean of its points there, or where it has
 * none on the line between its neighbours; null before its first and after its last point. */
export function binned({ x, y }, low, high, count) {
  const sums = new Array(count).fill(0);
  const held = new Array(count).fill(0);
  for (let n = 0; n < x.length; n++) {
    if (y[n] === null) continue;
    const bin = Math.min(count - 1, Math.max(0, Math.floor(((x[n] - low) / (high - low || 1)) * count)));
    sums[bin] += y[n];
    held[bin] += 1;
  }
  const values = sums.map((sum, bin) => (held[bin] ? sum / held[bin] : null));
  let before = -1;
  for (let bin = 0; bin < count; bin++) {
    if (!held[bin]) continue;
    for (let between = before + 1; before >= 0 && between < bin; between++)
      values[between] = values[before] + ((values[bin] - values[before]) * (between - before)) / (bin - before);
    before = bin;
  }
  return values;
}

/** Return the mean of curves { x, y } in bins from `low` to `high`, with a band of their spread: one sample standard
 * deviation to each side (`std`), or from the lowest to the highest (`range`). One curve alone has no band. */
export function means(curves, low, high, count, spread) {
  const every = curves.map((curve) => binned(curve, low, high, count));
  const line = { x: [], y: [], low: [], high: [], counts: [] };
  for (let bin = 0; bin < count; bin++) {
    const values = every.map((one) => one[bin]).filter((value) => value !== null);
    if (!values.length) continue;
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const [under, over] = values.length < 2 ? [null, null] : edges(values, mean, spread);
    line.x.push(low + ((bin + 0.5) * (high - low)) / count);
    line.y.push(mean);
    line.low.push(under);
    line.high.push(over);
    line.counts.push(values.length);
  }
  return line;
}

function edges(values, mean, spread) {
  if (spread === "range") return [Math.min(...values), Math.max(...values)];
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
  return [mean - deviation, mean + deviation];
}

/** Return a mean at a place as text, with its spread and the number of curves behind it. */
export function words({ y, low, high, counts }, n, spread) {
  if (counts[n] === undefined) return figure(null);
  if (counts[n] < 2) return `${figure(y[n])} (n = 1)`;
  const around = spread === "range" ? `${figure(low[n])} … ${figure(high[n])}` : `± ${figure((high[n] - low[n]) / 2)}`;
  return `${figure(y[n])} ${around} (n = ${counts[n]})`;
}
