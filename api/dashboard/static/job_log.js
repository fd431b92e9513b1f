// The log of a job: its last lines and those that come, or the lines that a search finds.
import { call } from "./calls.js";
import { t } from "./words.js";

const LAST = 200;
const MOST = 2000; // lines on the page
const box = /** @type {HTMLDetailsElement} */ (document.getElementById("log"));
const lines = document.getElementById("log-lines");
const said = document.getElementById("log-said");
const follow = document.getElementById("log-follow");
const search = /** @type {HTMLFormElement} */ (document.getElementById("log-search"));
const address = `/v1/jobs/${box.dataset.job}/log`;

let source = null;
let attempt = null;
let asked = 0; // searches so far: of two answers the later search counts

function mark(text) {
  const line = document.createElement("p");
  line.className = "log-mark";
  line.textContent = text;
  return line;
}

/** Return the elements of a line: what stands before it, and the line itself with its number. */
function shown(line) {
  const made = [];
  if (attempt !== null && attempt !== line.attempt) made.push(mark(t("Attempt {n}", { n: line.attempt })));
  attempt = line.attempt;
  if (line.left_out) made.push(mark(t("{n} lines left out", { n: line.left_out })));
  const element = document.createElement("p");
  element.dataset.line = line.line;
  element.textContent = line.text;
  return [...made, element];
}

function clear() {
  lines.replaceChildren();
  attempt = null;
  said.textContent = "";
}

function add(data) {
  const atEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40;
  data.lines.forEach((text, n) =>
    lines.append(...shown({ attempt: data.attempt, line: data.line + n, text, left_out: n ? 0 : data.left_out })),
  );
  while (lines.childElementCount > MOST) lines.firstElementChild.remove();
  // Whoever reads further up stays there.
  if (atEnd) lines.scrollTop = lines.scrollHeight;
}

function rest() {
  source?.close();
  source = null;
}

function open() {
  rest();
  if (!box.open || document.hidden || follow.getAttribute("aria-pressed") !== "true") return;
  clear();
  source = new EventSource(`${address}?tail=${LAST}`);
  source.addEventListener("log", (message) => add(JSON.parse(message.data)));
  source.addEventListener("end", () => {
    rest();
    said.textContent = lines.childElementCount ? t("This is the end of the log.") : t("The trainers wrote nothing.");
  });
}

function press(on) {
  follow.setAttribute("aria-pressed", String(on));
  if (on) search.reset();
  if (on) open();
  else rest();
}

async function find() {
  const word = /** @type {HTMLInputElement} */ (search.elements.namedItem("search")).value;
  if (!word) return press(true);
  press(false);
  const mine = ++asked;
  try {
    const found = await call("GET", `${address}?search=${encodeURIComponent(word)}`);
    if (mine !== asked) return;
    clear();
    lines.append(...found.lines.flatMap(shown));
    const count = found.lines.length;
    said.textContent = found.more ? t("The first {n} lines that contain it.", { n: count }) : t("Lines found: {n}", { n: count });
    lines.scrollTop = 0;
  } catch (error) {
    if (mine === asked) said.textContent = error.detail || String(error);
  }
}

open(); // this script is read when the log is opened
box.addEventListener("toggle", open);
document.addEventListener("visibilitychange", () => (document.hidden ? rest() : open()));
window.addEventListener("pagehide", rest);
follow.addEventListener("click", () => press(follow.getAttribute("aria-pressed") !== "true"));
search.addEventListener("submit", (event) => {
  event.preventDefault();
  find();
});
