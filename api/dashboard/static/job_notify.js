// "Notify me": the browser's own notifications when the job ends, pauses or raises an alert while its page is hidden.
// A hidden page has no stream (live.js), so it asks for new events now and then.
import { call, toast } from "./calls.js";
import { stateWords } from "./states.js";
import { say as inWords, t } from "./words.js";

const ASK_EVERY_MS = 10000;
const ENDS = ["succeeded", "failed", "canceled"];
const TOLD = [...ENDS, "paused"];

/** Watch a job. Returns a function that hears the events which the page receives itself. */
export function watchNotices(job, button) {
  let seen = job.last_seq;
  let on = false;

  function tell(event) {
    if (event.seq <= seen) return;
    seen = event.seq;
    const text = told(event);
    if (text && on && document.hidden) show(text, event.seq);
    if (event.type === "state" && ENDS.includes(event.data.to)) button.hidden = true;
  }

  function show(text, seq) {
    const note = new Notification(document.getElementById("job-name").textContent.trim(), { body: text, tag: `${job.id}:${seq}` });
    note.addEventListener("click", () => {
      window.focus();
      note.close();
    });
  }

  async function ask() {
    if (!on || !document.hidden || button.hidden) return;
    try {
      for (let more = true; more; ) {
        const page = await call("GET", `/v1/jobs/${job.id}/events?after=${seen}&limit=100`);
        page.data.forEach(tell);
        more = page.next_cursor !== null;
      }
    } catch {
      // No answer now: the next question is in a few seconds.
    }
  }

  // Without TLS, and not on this machine, browsers have no notifications.
  if (job.ended || !("Notification" in window) || !window.isSecureContext) return tell;
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (!on && Notification.permission !== "granted" && (await Notification.requestPermission()) !== "granted") {
      toast(t("The browser blocks notifications of this site. Allow them in its settings."), true);
      return;
    }
    on = !on;
    button.setAttribute("aria-pressed", String(on));
    if (on) toast(t("You will be notified while this page stays open in the background."));
  });
  setInterval(ask, ASK_EVERY_MS);
  document.addEventListener("visibilitychange", ask);
  return tell;
}

function told(event) {
  if (event.type === "state") return TOLD.includes(event.data.to) ? stateWords(event.data.to) : "";
  if (event.type !== "alert") return "";
  return t("Alert: {detail}", { detail: inWords(event.data.detail || event.data.code, event.data.text) });
}
