// The shared page of one job, for people without a key: it asks again every few seconds while the job is unfinished.
import { watchCurves } from "./job_curves.js";
import { watchGrids } from "./job_grids.js";
import { refresh } from "./page.js";

const EVERY_MS = 10000;
const now = () => JSON.parse(document.getElementById("job-data").textContent);

let data = now();
const curves = data.kind === "train" ? watchCurves(data, (step) => grids.nearest(step)) : null;
const grids = data.kind === "train" ? watchGrids(data, (step) => curves.cursor(step)) : null;

const timer = data.ended ? null : setInterval(look, EVERY_MS);
if (timer) document.addEventListener("visibilitychange", look);

function look() {
  if (!document.hidden && !data.ended) refresh();
}

document.addEventListener("refreshed", () => {
  const newer = now();
  document.title = document.getElementById("job-head").dataset.title;
  if (newer.last_seq === data.last_seq && newer.ended === data.ended) return;
  const known = new Set(data.grids.map((grid) => grid.id));
  for (const grid of newer.grids.filter(({ id }) => !known.has(id))) grids?.add({ ...grid, artifact: grid });
  curves?.tick(newer.clock);
  curves?.load();
  data = newer;
  if (data.ended) clearInterval(timer);
});

// The link has ended or was revoked: nothing of the job stays on the screen.
document.addEventListener("refused", (event) => event.detail === 404 && location.reload());
