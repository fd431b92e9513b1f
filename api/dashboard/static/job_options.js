// What is chosen for the curves of a job: smoothing, the horizontal axis, a logarithmic scale; and their values as CSV.
import { toast } from "./calls.js";
import { t } from "./words.js";

/** Call `change({ weight, axis, log })` with what has changed. `metrics`: the address of the values; null: no download. */
export function watchOptions(change, metrics) {
  const byId = (id) => document.getElementById(id);
  byId("smoothing").addEventListener("input", ({ target }) => change({ weight: Number(target.value) }));
  byId("curve-axis").addEventListener("change", ({ target }) => change({ axis: target.value }));
  byId("curve-log").addEventListener("change", ({ target }) => change({ log: target.checked }));
  const save = byId("curve-csv");
  if (!metrics) save.hidden = true;
  else save.addEventListener("click", () => download(metrics).catch(() => toast(t("service not responding; try again shortly"), true)));
}

async function download(address) {
  const answer = await fetch(address, { headers: { Accept: "text/csv" }, credentials: "same-origin" });
  if (!answer.ok) throw new Error(String(answer.status));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = `${address.split("/").at(-2)}-metrics.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
