// The pages of operators: refresh without job events, and the dialog for new keys.
import { call, once, toast } from "./calls.js";
import { refresh, say } from "./page.js";
import { t } from "./words.js";

// Heartbeats, temperatures and waiting times change without job events.
const LOOK_EVERY_MS = 15000;
if (document.body.dataset.live === "all") setInterval(() => document.hidden || refresh(), LOOK_EVERY_MS);

// Announce new entries of "Needs attention" to screen readers.
const countNeeds = () => document.querySelectorAll("#needs .needs > li").length;
let known = countNeeds();
document.addEventListener("refreshed", () => {
  const now = countNeeds();
  if (now > known) say(t("Needs attention: {count}", { count: now }));
  known = now;
});

for (const button of document.querySelectorAll("[data-open]"))
  button.addEventListener("click", () => document.getElementById(button.dataset.open).showModal());
for (const button of document.querySelectorAll("dialog [data-close]"))
  button.addEventListener("click", () => button.closest("dialog").close());

const form = document.getElementById("new-key-form");
const secret = document.getElementById("secret");

function asked() {
  const fields = new FormData(form);
  const typed = (name) => String(fields.get(name) ?? "").trim();
  // Text that is no number is sent as it is; the service's error appears beside the field.
  const limit = (name) => {
    const text = typed(name);
    return text === "" ? null : /^\d+$/.test(text) ? Number(text) : text;
  };
  const body = { name: fields.get("name"), role: fields.get("role"), quotas: {} };
  if (typed("owner")) body.owner = typed("owner");
  for (const name of ["queued", "running", "stored_bytes"]) body.quotas[name] = limit(name);
  return body;
}

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  const send = async () => {
    const made = await call("POST", "/v1/keys", asked());
    form.closest("dialog").close();
    form.reset();
    document.getElementById("secret-name").textContent = made.name;
    document.getElementById("secret-text").value = made.key;
    secret.showModal();
    document.getElementById("secret-text").select();
    document.dispatchEvent(new CustomEvent("changed"));
  };
  once(form.querySelector("button.primary"), send, form);
});

document.getElementById("secret-copy")?.addEventListener("click", async () => {
  const field = document.getElementById("secret-text");
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    toast(t("Copied."));
  } catch {
    // Pages without TLS may not use the clipboard: the selected text can be copied with the keyboard.
    toast(t("Selected. Copy it with your keyboard."), true);
  }
});
// Remove the secret from the page when the dialog closes.
secret?.addEventListener("close", () => {
  document.getElementById("secret-text").value = "";
});
