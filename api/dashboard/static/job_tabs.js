// The links to the sections of a page: the one in view is marked, arrows move between them, and what a link leads to is
// opened. Also closes the menu of further actions.
import { unfold } from "./calls.js";

const bar = document.getElementById("tabs");
const links = [...bar.querySelectorAll("a")];
// Where a section counts as being read: below the bar, in the upper third of the window.
const READ_AT = 1 / 3;
let chosen = null; // a link that was followed stands, until somebody scrolls

const sectionOf = (link) => document.getElementById(link.hash.slice(1));

function current() {
  if (chosen) return chosen;
  const there = links.filter((link) => sectionOf(link)?.getClientRects().length);
  const line = Math.max(bar.offsetHeight + 8, window.innerHeight * READ_AT);
  const atEnd = window.scrollY > 0 && window.scrollY + window.innerHeight >= document.documentElement.scrollHeight - 2;
  return atEnd ? there.at(-1) : there.filter((link) => sectionOf(link).getBoundingClientRect().top <= line).at(-1) || there[0];
}

function mark() {
  const now = current();
  for (const link of links) {
    if (link === now) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  const list = bar.firstElementChild;
  const [left, right] = [now.offsetLeft - list.offsetLeft, now.offsetLeft - list.offsetLeft + now.offsetWidth];
  if (left < list.scrollLeft || right > list.scrollLeft + list.clientWidth) list.scrollLeft = left - 16;
}

let due = false;
function markSoon() {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    mark();
  });
}

addEventListener("scroll", markSoon, { passive: true });
addEventListener("resize", markSoon);
for (const kind of ["wheel", "touchmove", "keydown"]) addEventListener(kind, () => (chosen = null), { passive: true });
bar.addEventListener("click", (event) => {
  chosen = event.target.closest("a") || chosen;
  if (chosen?.hash === location.hash) openTarget(); // the address does not change
  markSoon();
});
bar.addEventListener("keydown", (event) => {
  const n = links.indexOf(document.activeElement);
  const to = { ArrowLeft: n - 1, ArrowRight: n + 1, Home: 0, End: links.length - 1 }[event.key];
  if (n < 0 || to === undefined) return;
  event.preventDefault();
  links[(to + links.length) % links.length].focus();
});

// A link to something that is closed opens it: the sections that are closed at first, and what stands in them.
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const own = target?.matches(".fold") ? target.firstElementChild : null;
  if (!own && !target?.closest("details")) return;
  unfold(own || target);
  target.scrollIntoView(); // the page was too short to scroll there before
}
addEventListener("hashchange", openTarget);
openTarget();

// On paper nothing can be opened.
const folds = () => document.querySelectorAll(".fold > details:not([open])");
let printed = [];
addEventListener("beforeprint", () => {
  printed = [...folds()];
  for (const box of printed) box.open = true;
});
addEventListener("afterprint", () => {
  for (const box of printed) box.open = false;
});

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    const inside = menu.contains(event.target);
    if (!inside || event.target.closest(".menu-list > :is(a, button)")) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
mark();
