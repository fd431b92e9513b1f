// The dialog for new webhooks, and their secrets: each is shown once, by the dialog that operations.js looks after.
import { call, once } from "./calls.js";
import { refresh, say } from "./page.js";

const form = document.getElementById("new-webhook-form");

function asked() {
  const fields = new FormData(form);
  const filter = {};
  for (const [field, value] of fields)
    if (field.startsWith("filter.") && String(value).trim()) filter[field.slice("filter.".length)] = [String(value).trim()];
  const labels = String(fields.get("labels")).split(",").map((label) => label.trim()).filter(Boolean);
  if (labels.length) filter.label = labels;
  return {
    url: String(fields.get("url")).trim(),
    format: fields.get("format"),
    events: fields.getAll("event"),
    filter,
  };
}

function show({ url, secret }) {
  document.getElementById("secret-name").textContent = url;
  document.getElementById("secret-text").value = secret;
  document.getElementById("secret").showModal();
  document.getElementById("secret-text").select();
}

// The button that replaces a secret makes its call like any other; the answer has the new one.
document.addEventListener("changed", (event) => {
  if (event.detail?.secret) show(event.detail);
});

// A message that was just asked for, and one that was not tried yet: look often, until the page shows what came of it.
const LOOK_EVERY_MS = 2000;
const LOOK_FOR_MS = 20000; // a receiver has ten seconds
let watched = null;

const row = (id) => document.getElementById(id);

function watch(id, tries) {
  const begun = watched !== null;
  watched = { id, tries, until: Date.now() + LOOK_FOR_MS };
  if (!begun) setTimeout(look, LOOK_EVERY_MS);
}

async function look() {
  await refresh();
  const { id, tries, until } = watched;
  const shown = row(id);
  if (shown && Number(shown.dataset.tries) <= tries && Date.now() < until) return setTimeout(look, LOOK_EVERY_MS);
  watched = null;
  if (shown) say(shown.querySelector("summary").textContent);
}

document.addEventListener("changed", ({ detail }) => {
  if (detail?.attempts) watch(detail.id, detail.attempts.at(-1)?.number || 0);
});
const untried = document.querySelector("#deliveries li[data-tries='0']");
if (untried) watch(untried.id, 0);

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  const send = async () => {
    const made = await call("POST", "/v1/webhooks", asked());
    form.closest("dialog").close();
    form.reset();
    document.dispatchEvent(new CustomEvent("changed", { detail: made }));
  };
  once(form.querySelector("button.primary"), send, form);
});
