// Formats of numbers, sizes and durations, the same as on the server (api/dashboard/formats.py).
import { t } from "./words.js";

const language = document.documentElement.lang;
const roundingMode = "halfEven";
const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0, roundingMode });
const three = new Intl.NumberFormat(language, { maximumSignificantDigits: 3, useGrouping: false, roundingMode });
const four = new Intl.NumberFormat(language, { maximumSignificantDigits: 4, useGrouping: false, roundingMode });

/** Return a number with thousands separated and at most three digits of a fraction. */
export function number(value) {
  if (value === null || value === undefined) return "–";
  return Number.isInteger(value) || Math.abs(value) >= 999.5 ? whole.format(value) : three.format(value);
}

/** Return a measurement with four digits, integers with thousands separated, 1.2e-6 where that is shorter. */
export function figure(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(2).replace(/\.?0*e/, "e").replace("e+", "e");
  return Number.isInteger(value) || size >= 999.95 ? whole.format(value) : four.format(value);
}

/** Return bytes in a readable unit. */
export function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let place = 0;
  // A value that rounds to 1000 takes the next unit.
  while (Math.abs(bytes) >= 999.5 && place < units.length - 1) [bytes, place] = [bytes / 1000, place + 1];
  return `${number(place ? bytes : Math.round(bytes))} ${units[place]}`;
}

/** Return a duration: 45 s, 3 min 5 s, 2 h 10 min, 3 d 4 h. */
export function duration(seconds) {
  const units = [[86400, t("{n} d")], [3600, t("{n} h")], [60, t("{n} min")], [1, t("{n} s")]];
  const all = Math.max(0, Math.round(seconds));
  const first = Math.max(0, units.findIndex(([unit]) => all >= unit || unit === 1));
  const [large, words] = units[first];
  const [small, more] = units[first + 1] ?? [1, ""];
  const rest = Math.floor((all % large) / small);
  const written = words.replace("{n}", Math.floor(all / large));
  return rest ? `${written} ${more.replace("{n}", rest)}` : written;
}

/** Return a duration in one unit, for the ticks of an axis: 1.5 min. */
export function span(seconds) {
  const [unit, words] = seconds < 60 ? [1, t("{n} s")] : seconds < 3600 ? [60, t("{n} min")] : [3600, t("{n} h")];
  return words.replace("{n}", three.format(seconds / unit));
}
