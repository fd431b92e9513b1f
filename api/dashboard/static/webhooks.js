// The dialog for new webhooks. The secret is shown once, by the dialog that operations.js looks after.
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

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const send = async () => {
    const made = await call("POST", "/v1/webhooks", asked());
    form.closest("dialog").close();
    form.reset();
    document.getElementById("secret-name").textContent = made.url;
    document.getElementById("secret-text").value = made.secret;
    document.getElementById("secret").showModal();
    document.getElementById("secret-text").select();
    document.dispatchEvent(new CustomEvent("changed"));
  };
  once(form.querySelector("button.primary"), send, form);
});
