// The plan for a job: queue, position and estimated finish, or the problems to fix first.
import { duration, number } from "./figures.js";
import { prose } from "./prose.js";
import { t } from "./words.js";

function element(name, className, ...content) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

/** Show the answer to a dry run; `queue` is the known state of its queue. */
export function showPlan(box, job, queue) {
  const list = document.createElement("dl");
  const say = (term, ...content) => list.append(element("dt", "", term), element("dd", "", ...content));
  say(t("Queue"), queueWords(job, queue));
  say(t("Position"), place(job, box.dataset));
  say(t("Estimated finish"), ...ending(job));
  if (job.params.image_size) say(t("Image size"), t("{size}×{size} pixels", { size: job.params.image_size }));
  const notices = [];
  if (job.reason === "no_live_worker")
    notices.push(t("No worker serves {queue}: the job would wait until one starts.", { queue: job.queue }));
  if (queue?.paused) notices.push(t("{queue} is paused: no job starts until an admin resumes it.", { queue: job.queue }));
  box.replaceChildren(...notices.map((text) => element("p", "notice warn", text)), list);
}

function queueWords(job, queue) {
  if (!queue) return job.queue;
  const workers = queue.workers === 1 ? t("1 live worker") : t("{n} live workers", { n: queue.workers });
  return `${job.queue} (${workers})`;
}

/** Say where a job would stand. Positions up to `exact` are exact, and none is counted further than `farthest`. */
function place(job, { exact, farthest }) {
  if (job.position === null) return t("unknown");
  if (job.position === 1) return t("next in queue");
  if (job.position > Number(farthest)) return t("more than {n} jobs ahead", { n: number(Number(farthest)) });
  if (job.position > Number(exact)) return t("about {n}", { n: 10 * Math.round(job.position / 10) });
  return t("number {n}", { n: job.position });
}

function ending(job) {
  if (!job.eta) {
    const why = job.reason ? t("No estimate: no worker is running") : t("No estimate: no similar job has run on {queue}", { queue: job.queue });
    return [element("span", "muted", why)];
  }
  const left = (moment) => (Date.parse(moment) - Date.now()) / 1000;
  const at = new Date(job.eta.at);
  const today = at.toDateString() === new Date().toDateString();
  /** @type {Intl.DateTimeFormatOptions} */
  const style = today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
  const clock = new Intl.DateTimeFormat(document.documentElement.lang, style).format(at);
  const range = t("between {low} and {high}", { low: duration(left(job.eta.low)), high: duration(left(job.eta.high)) });
  return [t("in {time}, at {clock}", { time: duration(left(job.eta.at)), clock }), " ", element("small", "", `(${range})`)];
}

/** Show problems: each has a text, and the id of its field if there is one. */
export function showProblems(box, problems) {
  const list = element("ul", "problems");
  for (const { text, id } of problems) {
    const item = document.createElement("li");
    if (id) {
      const link = element("a", "", ...prose(text));
      link.href = `#${id}`;
      item.append(link);
    } else item.append(...prose(text));
    list.append(item);
  }
  const title = problems.length === 1 ? t("Fix 1 problem:") : t("Fix {n} problems:", { n: problems.length });
  box.replaceChildren(element("div", "notice bad", element("strong", "", title), list));
}

/** Show why there is no plan. */
export function showTrouble(box, text) {
  box.replaceChildren(element("p", "notice warn", text));
}
