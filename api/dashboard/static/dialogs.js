// Questions before what cannot be taken back, in a dialog of the page's own. Escape and "Back" mean no; the browser
// returns the focus to the pressed button.
import { t } from "./words.js";

/**
 * Ask; return whether the reader agreed. `press`: the text of the button that agrees; `danger`: whether something ends.
 *
 * @param {string} question
 * @param {{ press?: string, danger?: boolean }} options
 * @returns {Promise<boolean>}
 */
export function agreed(question, { press = t("OK"), danger = false } = {}) {
  const box = document.createElement("dialog");
  box.className = "ask";
  box.setAttribute("role", "alertdialog");
  box.setAttribute("aria-labelledby", "ask-question");
  const text = document.createElement("p");
  text.id = "ask-question";
  text.dir = "auto";
  text.textContent = question;
  const row = document.createElement("div");
  row.className = "actions";
  const yes = button(press, danger ? "danger solid" : "primary");
  const no = button(t("Back"), "");
  row.append(no, yes);
  box.append(text, row);
  document.body.append(box);
  yes.addEventListener("click", () => box.close("yes"));
  no.addEventListener("click", () => box.close());
  box.showModal();
  // What ends something is not one stray Enter away.
  (danger ? no : yes).focus();
  return new Promise((done) =>
    box.addEventListener("close", () => {
      box.remove();
      done(box.returnValue === "yes");
    }));
}

/** Return what a button says to people: its text without words for screen readers, or else its name. */
export function said(pressed) {
  const copy = pressed.cloneNode(true);
  for (const hidden of copy.querySelectorAll(".visually-hidden")) hidden.remove();
  return copy.textContent.trim() || pressed.getAttribute("aria-label") || t("OK");
}

function button(text, look) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = look;
  made.textContent = text;
  return made;
}

/** Ask what a button has in data-confirm; return whether to go on. A button without a question goes on at once. */
export function confirmed(pressed) {
  const question = pressed.dataset.confirm;
  return question ? agreed(question, { press: pressed.dataset.press || said(pressed), danger: pressed.classList.contains("danger") }) : Promise.resolve(true);
}
