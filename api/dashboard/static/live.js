// One event stream per tab, whose events go to listeners. Without a stream, the page polls. A hidden tab holds no
// stream and catches up when it is visible again.
import { t } from "./words.js";

const POLL_MS = 5000;
const PATIENCE_MS = 12000; // longer than a restart of the service: until then, the browser reconnects by itself

export class Live {
  /**
   * `address`: of the stream. `onEvent(event)`: called for each event. `onGap()`: events may have been missed, as between
   * the making of the page and the opening of its stream.
   */
  constructor(address, onEvent, onGap) {
    this.address = address;
    this.onEvent = onEvent;
    this.onGap = onGap;
    this.source = null;
    this.poll = null;
    this.polling = false;
    this.ended = false;
    document.addEventListener("visibilitychange", () => (document.hidden ? this.rest() : this.open()));
    window.addEventListener("pagehide", () => this.rest());
    window.addEventListener("pageshow", (event) => event.persisted && this.open());
    if (!document.hidden) this.open();
  }

  open() {
    if (this.source || this.ended) return;
    this.source = new EventSource(this.address);
    this.source.onopen = () => {
      this.show("live");
      this.stopPolling();
      this.onGap();
      this.refused = false;
    };
    const heard = (message) => {
      const event = JSON.parse(message.data);
      this.onEvent(event);
    };
    for (const type of ["state", "metric", "epoch", "grid", "checkpoint", "artifact", "log", "alert"])
      this.source.addEventListener(type, heard);
    this.source.addEventListener("end", () => this.end());
    this.source.onerror = () => {
      if (!this.polling) this.show("lost");
      if (this.source?.readyState === EventSource.CLOSED) {
        this.reopenLater();
        // The service refused: poll at once, which goes to the login if the session has ended.
        if (!this.refused) this.onGap();
        this.refused = true;
      }
      this.pollAfter(PATIENCE_MS);
    };
  }

  reopenLater() {
    this.source = null;
    clearTimeout(this.again);
    this.again = setTimeout(() => !document.hidden && this.open(), 3000);
  }

  pollAfter(wait) {
    this.poll ??= setTimeout(() => {
      this.polling = true;
      this.show("polling");
      this.onGap();
      this.poll = setInterval(() => this.onGap(), POLL_MS);
    }, wait);
  }

  stopPolling() {
    clearTimeout(this.poll);
    clearInterval(this.poll);
    this.poll = null;
    this.polling = false;
  }

  rest() {
    clearTimeout(this.again);
    this.source?.close();
    this.source = null;
    this.stopPolling();
  }

  end() {
    this.ended = true;
    this.rest();
    this.show("ended");
    this.onGap();
  }

  show(state) {
    const words = { live: t("Live"), lost: t("Reconnecting"), polling: t("Refreshing"), ended: t("Finished") };
    const long = { polling: t("No live stream: refreshing every few seconds") };
    const mark = document.getElementById("connection");
    if (!mark) return;
    mark.dataset.state = state;
    mark.title = long[state] || words[state];
    mark.textContent = words[state];
  }
}
