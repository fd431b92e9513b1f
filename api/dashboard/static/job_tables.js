// The layers of the networks and the run report: separate pages, loaded into place when opened.
document.addEventListener("toggle", async (event) => {
  const box = /** @type {HTMLDetailsElement} */ (event.target);
  if (!box.open || !box.dataset?.source || box.dataset.read === box.dataset.source) return;
  box.dataset.read = box.dataset.source;
  const answer = await fetch(box.dataset.source, { headers: { Accept: "text/html" }, credentials: "same-origin" }).catch(() => null);
  const page = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("shown");
  if (!page) return delete box.dataset.read; // the link stays
  document.getElementById(`${box.id}-shown`).replaceChildren(...page.childNodes);
}, true);
