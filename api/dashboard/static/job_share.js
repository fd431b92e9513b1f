// The dialog that makes links to a read-only page of the job. Its address is in this answer and nowhere else.
import { call, once } from "./calls.js";

const DAY_S = 86400;
const form = document.getElementById("share-form");
const made = document.getElementById("share-made");

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  once(form.querySelector("button.primary"), async () => {
    const body = { expires_in_s: DAY_S * Number(form.elements.days.value) };
    const link = await call("POST", `/v1/jobs/${form.dataset.job}/share`, body);
    document.getElementById("share-link").textContent = link.url;
    made.hidden = false;
    document.getElementById("share-once").focus();
    document.dispatchEvent(new CustomEvent("changed"));
  }, form);
});

// An address that was copied is not kept on a screen that others may see later.
form?.closest("dialog").addEventListener("close", () => {
  made.hidden = true;
  document.getElementById("share-link").textContent = "";
});
