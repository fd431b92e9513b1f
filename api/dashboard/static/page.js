// Every page: times in the reader's time zone, parts that refresh themselves, theme, shortcuts, buttons that copy.
import { signInAgain } from "./calls.js";
import "./copy.js";
import { Live } from "./live.js";
import "./shortcuts.js";
import "./theme.js";
import { localInputs, localTimes } from "./times.js";

const AT_MOST_EVERY_MS = 1500;
const SPOKEN_EVERY_MS = 10000;
let spoken = 0;
let asked = null;
let again = false;
let pressed = false;
let toSpeak = null;

// On a phone the row of pages scrolls: without this the current page may stand outside of it.
const current = document.querySelector(".top nav [aria-current]");
if (current) {
  const row = current.closest("ul");
  const [here, frame] = [current.getBoundingClientRect(), row.getBoundingClientRect()];
  row.scrollLeft = here.left + here.width / 2 - frame.left - frame.width / 2;
}

/** Announce a text to screen readers: at most once in ten seconds, the newest. */
export function say(text) {
  const wait = Math.max(0, spoken + SPOKEN_EVERY_MS - Date.now());
  clearTimeout(toSpeak);
  toSpeak = setTimeout(() => {
    spoken = Date.now();
    document.getElementById("status").textContent = text;
  }, wait);
}

/** Load this page again and morph the parts marked data-fresh; focus, scroll position and input stay. */
export async function refresh() {
  if (asked) {
    again = true;
    return asked;
  }
  asked = (async () => {
    const now = pressed;
    pressed = false;
    const held = document.activeElement;
    const near = around(held);
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" });
      if (new URL(answer.url).pathname === "/dashboard/login") return signInAgain();
      if (!answer.ok) return document.dispatchEvent(new CustomEvent("refused", { detail: answer.status }));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-fresh]")) {
        const newer = fresh.getElementById(part.id);
        if (newer) put(part, newer, now);
      }
      localTimes();
      document.dispatchEvent(new CustomEvent("refreshed"));
      if (document.activeElement === document.body && held !== document.body) moveFocus(near);
    } catch {
      // The service is not available; the connection mark shows it, and the next refresh catches up.
    }
  })();
  await asked;
  await new Promise((done) => setTimeout(done, AT_MOST_EVERY_MS));
  asked = null;
  if (again) {
    again = false;
    refresh();
  }
}

// The row of an element and the rows around it, the nearest following rows first.
function around(one) {
  const row = one?.closest("tr, li");
  const rows = row ? [...row.parentElement.children] : [];
  const at = rows.indexOf(row);
  return row ? [row, ...rows.slice(at + 1), ...rows.slice(0, at).reverse()] : [];
}

// When a pressed button disappears, the focus moves to a row nearby, not to the top of the page. Never to another button:
// pressing Enter again must do nothing.
function moveFocus(rows) {
  const row = rows.find((one) => one.isConnected);
  const place = row?.querySelector("th a[href]") || row || document.getElementById("main");
  if (place === row) row.tabIndex = -1;
  place.focus();
}

// The layout of a part: its rows by id, or else by text.
const places = (part) => JSON.stringify([...part.querySelectorAll("tr, li, [id]")].map((row) => row.id || row.textContent));

// Rows must not move under a pointer that is about to click: if rows would change, the part is refreshed when the
// pointer has left it, or has clicked.
function put(part, newer, now) {
  if (part.matches("[data-steady]:hover") && !now && places(part) !== places(newer)) {
    part.addEventListener("pointerleave", () => refresh(), { once: true });
    return;
  }
  window.Idiomorph.morph(part, newer, {
    morphStyle: "outerHTML",
    // The focused element is updated too: a button that has become another one must show it.
    callbacks: {
      beforeNodeMorphed: (old) => !(old instanceof Element && old.hasAttribute("data-keep")),
      // Opened details stay open, and typed input stays.
      beforeAttributeUpdated: (name, node) => !(name === "open" || name === "selected" || ((name === "value" || name === "checked") && node.matches("input, select, textarea"))),
    },
  });
}

localTimes();
localInputs();
setInterval(() => localTimes(), 10000);
document.addEventListener("changed", () => {
  pressed = true;
  refresh();
});
if (document.body.dataset.live === "all") new Live("/v1/events", (event) => event.type !== "metric" && refresh(), refresh);
