// The dialog for new webhooks, and their secrets: each is shown once, by the dialog that operations.js looks after.
import { call, once } from "./calls.js";

const form = document.getElementById("new-webhook-form");

function asked() {
  const fields = new FormData(form);
  const labels = String(fields.get("labels")).split(",").map((label) => label.trim()).filter(Boolean);
  return {
    url: String(fields.get("url")).trim(),
    format: fields.get("format"),
    events: fields.getAll("event"),
    filter: labels.length ? { label: labels } : {},
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
