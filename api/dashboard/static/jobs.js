// The list of jobs: the selection to compare, across its pages, and the focus when rows change.
import { say } from "./page.js";
import { stateWords } from "./states.js";
import { t } from "./words.js";

const KEPT = "ganforge-compare";
const FEWEST = 2;
const MAX_COMPARED = 50; // as the page of the comparison shows
const form = document.getElementById("comparing");
const list = document.getElementById("jobs");

let chosen = new Set(remembered());

function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) || "[]").slice(0, MAX_COMPARED);
  } catch {
    return [];
  }
}

/** Show the selection: the checkboxes, the text in the bar, and disabled checkboxes at the maximum. */
function show() {
  const full = chosen.size >= MAX_COMPARED;
  for (const box of list.querySelectorAll("input[name=jobs]")) {
    box.checked = chosen.has(box.value);
    box.disabled = full && !box.checked;
  }
  const words = { n: chosen.size, most: MAX_COMPARED };
  const text = chosen.size === 0 ? t("Select 2 to 50 jobs to compare.") : chosen.size < FEWEST ? t("1 job selected. Select at least one more.") : full ? t("{n} jobs selected, the maximum.", words) : t("{n} jobs selected.", words);
  document.getElementById("chosen").textContent = text;
  document.getElementById("choose-none").hidden = !chosen.size;
  form.querySelector(".primary").disabled = chosen.size < FEWEST;
  form.classList.toggle("sticks", chosen.size > 0);
  sessionStorage.setItem(KEPT, JSON.stringify([...chosen]));
}

list.addEventListener("change", (event) => {
  if (event.target.name !== "jobs") return;
  if (event.target.checked) chosen.add(event.target.value);
  else chosen.delete(event.target.value);
  show();
});

document.getElementById("choose-none").addEventListener("click", () => {
  chosen = new Set();
  show();
  document.getElementById("chosen").focus();
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (chosen.size >= FEWEST) location.assign(`/dashboard/compare?jobs=${[...chosen].join(",")}`);
});

// A pressed button may disappear from its row; then the focus goes to the job's link, not to the top of the page.
let focused = null;
list.addEventListener("focusin", (event) => (focused = event.target.closest("tr")?.id || null));
document.addEventListener("focusin", (event) => list.contains(event.target) || (focused = null));
document.addEventListener("refreshed", () => {
  show();
  if (focused && document.activeElement === document.body) document.getElementById(focused)?.querySelector(".job a")?.focus();
});

// Announce the effect of a row's button: the row may be gone, or differ by one word.
document.addEventListener("changed", ({ detail: job }) => {
  if (job?.state && !job.pending_action) say(`${job.name || job.recipe}: ${stateWords(job.state)}`);
});

// Leave out empty fields, which would make long addresses.
document.getElementById("filters").addEventListener("formdata", (event) => {
  for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name);
});

document.getElementById("chosen").tabIndex = -1;
show();
