// Bulk actions: a page counts the affected jobs and shows the effect first; it opens in a dialog of the list.
import { Refused, call, once, tell, toast } from "./calls.js";
import { t } from "./words.js";

const dialog = document.getElementById("bulk-dialog");

/** Load the current effect of the action into the dialog, or in place of the form; return the form. */
async function load(address, into) {
  const answer = await fetch(address, { headers: { Accept: "text/html" }, credentials: "same-origin" });
  if (new URL(answer.url).pathname === "/dashboard/login") return location.reload();
  const form = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("bulk");
  if (!form) throw new Refused({ detail: t("service not responding; try again shortly") });
  form.dataset.address = address;
  form.dataset.key = crypto.randomUUID?.() || String(Math.random());
  into.replaceChildren(document.adoptNode(form));
  return form;
}

if (dialog) {
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-bulk]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    try {
      const form = await load(link.href, dialog);
      dialog.showModal();
      (form.querySelector("input") || form.querySelector("#bulk-title")).focus();
    } catch (error) {
      tell(error);
    }
  });
  dialog.addEventListener("click", (event) => {
    if (!event.target.closest("[data-close]")) return;
    event.preventDefault();
    dialog.close();
  });
}

/** Show an error beside a field; null removes it. */
function complain(form, name, text) {
  tell({ errors: [{ pointer: `/${name}`, detail: text }] }, form);
}

function valid(form) {
  const { typed, priority } = form.elements;
  if (typed && typed.value.trim() !== form.dataset.typed) {
    typed.dataset.pointer = "/typed";
    complain(form, "typed", t("Type {n}, the number of affected jobs.", { n: form.dataset.typed }));
    return false;
  }
  if (priority && !priority.checkValidity()) {
    complain(form, "priority", t("must be a whole number from -100 to 100"));
    return false;
  }
  return true;
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("#bulk");
  if (!form) return;
  event.preventDefault();
  const order = JSON.parse(form.dataset.order);
  if (!valid(form)) return;
  if (form.elements.priority) order.priority = form.elements.priority.valueAsNumber;
  const button = event.submitter || form.querySelector("button");
  form.dataset.key ||= crypto.randomUUID?.() || String(Math.random());
  const send = async () => {
    const came = await call("POST", "/v1/jobs/bulk", order, { "Idempotency-Key": form.dataset.key });
    report(form, came);
    document.dispatchEvent(new CustomEvent("changed", { detail: came }));
    document.dispatchEvent(new CustomEvent("ordered", { detail: came }));
  };
  const changed = (error) => {
    if (error.status !== 409 || error.matched === undefined) throw error;
    return again(form, error.matched);
  };
  once(button, () => send().catch(changed), form);
});

// The matching jobs changed meanwhile: nothing was done, and the page asks again.
async function again(form, matched) {
  const priority = form.elements.priority?.value;
  const newer = await load(form.dataset.address || location.href, form.parentElement);
  if (priority !== undefined && newer.elements.priority) newer.elements.priority.value = priority;
  const news = newer.querySelector("#bulk-news");
  news.textContent = t("Nothing was changed: {n} jobs match now. Review the list and confirm again.", { n: matched });
  news.hidden = false;
  (newer.querySelector("input") || newer.querySelector("#bulk-title")).focus();
}

/** Show the result in place of the form's fields. */
function report(form, { changed, unchanged, problems }) {
  const title = form.querySelector("#bulk-title");
  const said = document.createElement("p");
  said.setAttribute("role", "status");
  said.textContent = t("{changed} changed, {unchanged} unchanged.", { changed, unchanged });
  const shown = [title, said];
  if (problems.length) {
    const list = document.createElement("ul");
    list.className = "bulk-answer";
    for (const { job, detail } of problems) {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = `/dashboard/jobs/${job}`;
      link.textContent = `…${job.slice(-6)}`;
      item.append(link, ` ${detail}`);
      list.append(item);
    }
    const note = document.createElement("p");
    note.className = "notice bad";
    note.textContent = t("Some jobs could not be changed. First errors:");
    shown.push(note, list);
  }
  const back = form.querySelector("[data-close]");
  back.classList.replace("quiet", "primary");
  shown.push(back);
  form.replaceChildren(...shown);
  title.focus();
  if (!problems.length) toast(said.textContent);
}
