// The theme without leaving the page. The server keeps the choice in a cookie, and renders the next page in it.
const QUERIES = { system: "(prefers-color-scheme: dark)", light: "not all", dark: "all" };
const sheet = /** @type {HTMLLinkElement} */ (document.getElementById("dark"));
const form = /** @type {HTMLFormElement} */ (document.getElementById("theme"));

/** Show a theme: system, light or dark. Drawings listen to `theme`. */
function show(theme) {
  document.documentElement.dataset.theme = theme;
  sheet.media = QUERIES[theme];
  for (const button of form.querySelectorAll("button")) {
    if (button.value === theme) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  document.dispatchEvent(new CustomEvent("theme", { detail: theme }));
}

form.addEventListener("submit", (event) => {
  const theme = /** @type {HTMLButtonElement} */ (event.submitter)?.value;
  if (!(theme in QUERIES)) return;
  event.preventDefault();
  show(theme);
  // The answer leads to a page, which nobody needs.
  fetch(form.action, { method: "POST", body: new URLSearchParams({ theme, next: "" }), credentials: "same-origin", redirect: "manual" }).catch(() => {});
});
