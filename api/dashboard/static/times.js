// Times in the reader's time zone and one style: "7 s ago", "in 2 h", a date beyond a month; the title has the exact time.
import { span } from "./figures.js";
import { t } from "./words.js";

const MONTH_S = 30 * 86400;
const language = document.documentElement.lang;
const day = new Intl.DateTimeFormat(language, { dateStyle: "medium" });
const exact = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });

/** Return how long ago a moment was, or how far away it is. */
export function relative(moment, now = Date.now()) {
  const away = (moment.getTime() - now) / 1000;
  if (Math.abs(away) >= MONTH_S) return day.format(moment);
  if (Math.abs(away) < 1) return t("now");
  return away < 0 ? t("{time} ago", { time: whole(-away) }) : t("in {time}", { time: whole(away, Math.round) });
}

// One unit, without a fraction: 59 s, 2 min, 23 h, 4 d. What is to come is rounded: a link for 7 days ends in 7 d, not in 6 d.
function whole(seconds, rounded = Math.floor) {
  const unit = seconds < 60 ? 1 : seconds < 3600 ? 60 : seconds < 86400 ? 3600 : 86400;
  return unit === 86400 ? t("{n} d", { n: rounded(seconds / unit) }) : span(rounded(seconds / unit) * unit);
}

/** Return a moment in UTC, as programs write it. */
export const utc = (moment) => `${moment.toISOString().slice(0, 19).replace("T", " ")} UTC`;

/** Write every time below an element for this reader. `data-exact` asks for the moment itself. */
export function localTimes(root = document) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(element.dateTime);
    const text = element.hasAttribute("data-exact") ? exact.format(moment) : relative(moment);
    if (element.textContent !== text) element.textContent = text;
    element.title = `${exact.format(moment)} · ${utc(moment)}`;
  }
}

const two = (n) => String(n).padStart(2, "0");

/** Inputs of a time hold UTC without a script. With one they hold the reader's time, and send UTC. */
export function localInputs(root = document) {
  for (const input of root.querySelectorAll("input[type=datetime-local][data-utc]")) {
    for (const zone of input.labels[0]?.querySelectorAll("small") || []) zone.textContent = t("(your time)");
    if (input.value) {
      const moment = new Date(`${input.value}Z`);
      input.value = `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}T${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}`;
    }
    input.form?.addEventListener("formdata", (event) => {
      if (!input.value) return;
      const moment = new Date(input.value);
      if (!Number.isNaN(moment.getTime())) event.formData.set(input.name, `${moment.toISOString().slice(0, 19)}Z`);
    });
  }
}
