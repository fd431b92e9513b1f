// The comparison of jobs: its curves, its images, and the form of what is shown.
import { Curves } from "./compare_curves.js";
import { along, pick, show } from "./compare_pictures.js";

const ASK_EVERY_MS = 5000;

const holder = document.getElementById("compare-data");
const form = document.getElementById("choices");
const box = document.getElementById("charts");
const lines = () => document.getElementById("lines");
const chosenAxis = () => document.querySelector("#axis :checked").value;
const grouped = holder.hasAttribute("data-grouped");
const told = () => ["jobs", "groups", "metrics"].map((name) => JSON.parse(holder.dataset[name]));
const curves = box && new Curves(box, { axis: chosenAxis(), spread: document.getElementById("spread").value, grouped, onPick: pick });

function follow() {
  const [jobs, groups, metrics] = told();
  show(jobs, chosenAxis(), (x) => curves.cursor(x));
  return curves.follow(jobs, groups, metrics);
}

/** Put a choice into the address; the usual one is left out. */
function remember(name, value, usual) {
  const address = new URL(location.href);
  if (value === usual) address.searchParams.delete(name);
  else address.searchParams.set(name, value);
  history.replaceState(null, "", address.href.replaceAll("%2C", ","));
}

function explain() {
  const hint = document.getElementById("axis-hint");
  hint.textContent = hint.dataset[chosenAxis()];
}

// Leave out what is empty or usual, which would make long addresses.
form.addEventListener("formdata", ({ formData }) => {
  const usual = { axis: "images", spread: "std" };
  for (const [name, value] of [...formData]) if (!value || usual[name] === value) formData.delete(name);
  if (formData.getAll("columns").sort().join() === form.dataset.usual?.split(",").sort().join()) formData.delete("columns");
});

if (curves) {
  document.getElementById("axis").addEventListener("change", () => {
    const share = along();
    remember("axis", chosenAxis(), "images");
    explain();
    curves.change({ axis: chosenAxis() });
    show(told()[0], chosenAxis(), (x) => curves.cursor(x), share);
  });
  document.getElementById("spread").addEventListener("change", ({ target }) => {
    remember("spread", target.value, "std");
    curves.change({ spread: target.value });
  });
  lines()?.addEventListener("change", ({ target }) => curves.toggle(Number(target.dataset.line), target.checked));
  const both = document.getElementById("all-or-none");
  if (both) both.hidden = false;
  both?.addEventListener("click", ({ target }) => {
    const on = target.closest("[data-lines]")?.dataset.lines;
    for (const one of on ? lines().querySelectorAll("input") : []) {
      one.checked = on === "all";
      curves.toggle(Number(one.dataset.line), one.checked);
    }
  });
  explain();
  follow();
  document.addEventListener("refreshed", follow);
  // Epochs may take long: between them, refresh the curves of running jobs.
  setInterval(() => document.hidden || curves.renew(), ASK_EVERY_MS);
}
