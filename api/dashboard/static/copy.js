// Buttons with data-copy="ID" copy the text of that element, those with data-copy-text that text. Over plain HTTP,
// browsers do not give scripts the clipboard; then the text is selected, to be copied with the keyboard.
import { t } from "./words.js";
import { toast } from "./calls.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy], button[data-copy-text]");
  if (!button) return;
  const { copyText } = button.dataset;
  const source = copyText === undefined ? document.getElementById(button.dataset.copy) : laidOut(copyText, button);
  try {
    await navigator.clipboard.writeText(source.textContent);
  } catch {
    window.getSelection().selectAllChildren(source);
    if (!document.execCommand("copy")) return toast(t("Selected. Copy it with your keyboard."));
  }
  toast(t("Copied."));
  if (copyText !== undefined) source.remove();
});

// Only what is laid out can be selected.
function laidOut(text, button) {
  const holder = document.createElement("span");
  holder.className = "visually-hidden";
  holder.textContent = text;
  button.after(holder);
  return holder;
}
