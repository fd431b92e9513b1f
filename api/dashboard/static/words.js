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
