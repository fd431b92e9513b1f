// The job page: one stream of the job's events feeds curves and images, and triggers a refresh of the rest.
import { call } from "./calls.js";
import "./copy.js";
import { watchCurves } from "./job_curves.js";
import "./evaluate.js";
import "./job_forms.js";
import { watchGrids } from "./job_grids.js";
import "./job_sample.js";
import "./job_share.js";
import "./job_tables.js";
import "./job_tabs.js";
import { Live } from "./live.js";
import { refresh, say } from "./page.js";
import { stateWords } from "./states.js";
import { say as inWords, t } from "./words.js";

const PROGRESS_EVERY_MS = 3000;
const data = JSON.parse(document.getElementById("job-data").textContent);
const curves = data.kind === "train" ? watchCurves(data, (step) => grids.nearest(step)) : null;
const notify = document.getElementById("notify");
let notice = (_event) => {};
if (notify && !data.ended) import("./job_notify.js").then(({ watchNotices }) => (notice = watchNotices(data, notify)));
const grids = data.kind === "train" ? watchGrids(data, (step) => curves.cursor(step)) : null;

// What few visitors open is read when they do.
const log = document.getElementById("log");
const readLog = () => import("./job_log.js");
if (log?.open) readLog();
else log?.addEventListener("toggle", readLog, { once: true });

let seen = data.last_seq;
let later = null;
const address = () => `/v1/jobs/${data.id}/events?after=${seen}`;

function heard(event) {
  if (event.seq <= seen) return; // received twice: from the stream and from polling
  seen = event.seq;
  notice(event);
  live.address = address();
  if (event.type === "metric") {
    curves?.add(event.data.steps, event.data.values);
    later ||= setTimeout(() => { later = null; refresh(); }, PROGRESS_EVERY_MS);
    return;
  }
  if (event.type === "epoch") {
    curves?.pace(event.data.images_per_second, event.data.step);
    say(t("Epoch {epoch} finished", { epoch: event.data.epoch }));
  }
  if (event.type === "grid") grids?.add(event.data);
  if (event.type === "alert") say(t("Alert: {detail}", { detail: inWords(event.data.detail || event.data.code, event.data.text) }));
  if (event.type === "alert" && event.data.back_to !== undefined) curves?.back(event.data.back_to);
  if (event.type === "state") say(stateWords(event.data.to));
  refresh();
}

// Without a stream: poll for the same events.
async function catchUp() {
  refresh();
  if (live.ended && !timeline.hasAttribute("data-keep")) pause.hidden = true;
  if (!live.polling) return; // the stream itself resumes after the last event received
  try {
    for (let more = true; more; ) {
      const page = await call("GET", `/v1/jobs/${data.id}/events?after=${seen}&limit=100`);
      page.data.forEach(heard);
      more = page.next_cursor !== null;
    }
  } catch {
    // No answer yet: the next poll is in a few seconds.
  }
}

const live = data.ended ? null : new Live(address(), heard, catchUp);
// An evaluation tells of its progress by no event.
if (live && data.kind === "evaluate") setInterval(() => !live.ended && !document.hidden && refresh(), PROGRESS_EVERY_MS);
if (!live) document.getElementById("connection")?.setAttribute("title", t("Finished"));

// The log does not change while somebody reads it.
const timeline = document.getElementById("timeline");
const pause = document.getElementById("timeline-pause");
if (!data.ended) pause.hidden = false;
pause.addEventListener("click", () => {
  const paused = !timeline.hasAttribute("data-keep");
  timeline.toggleAttribute("data-keep", paused);
  pause.setAttribute("aria-pressed", paused);
  if (!paused) refresh();
});

// When an action removes its button, the keyboard focus must not return to the top of the page.
let held = null;
document.addEventListener("focusin", (event) => (held = event.target));
document.addEventListener("refreshed", () => {
  curves?.tick(JSON.parse(document.getElementById("job-data").textContent).clock);
  document.title = document.getElementById("job-head").dataset.title;
  if (document.activeElement !== document.body || !held?.matches("button[data-call]")) return;
  (held.isConnected && !held.disabled ? held : document.querySelector("#job-actions button") || document.getElementById("job-name")).focus();
});
