// Texts of scripts in the reader's language. The page contains the translations; the English text is the key.
const words = JSON.parse(document.getElementById("words")?.textContent || "{}");
const texts = words.texts || {};
const messages = words.messages || {};

/** Return a text in the reader's language; `{name}` is replaced by values[name], with numbers formatted. */
export function t(text, values = {}) {
  const written = (value) => (typeof value === "number" ? numbers.format(value) : value);
  return (texts[text] || text).replace(/\{(\w+)\}/g, (whole, name) => (name in values ? written(values[name]) : whole));
}

/** Return the message of an event, which has English text, in the reader's language. */
export function say(english, message) {
  return message && messages[message.code] ? t(messages[message.code], message.params) : english;
}

const numbers = new Intl.NumberFormat(document.documentElement.lang);
const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto", style: "short" });
const absolute = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "medium" });
/** @type {[number, Intl.RelativeTimeFormatUnit, number][]} */
const STEPS = [[60, "second", 1], [3600, "minute", 60], [86400, "hour", 3600], [Infinity, "day", 86400]];

/** Format every time below an element in the reader's time zone; the tooltip is the exact time. */
export function localTimes(root = document) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(element.dateTime);
    const away = (moment.getTime() - Date.now()) / 1000;
    const [, unit, size] = STEPS.find(([limit]) => Math.abs(away) < limit);
    const text = element.hasAttribute("data-exact") ? absolute.format(moment) : relative.format(Math.round(away / size), unit);
    if (element.textContent !== text) element.textContent = text;
    element.title = absolute.format(moment);
  }
}
