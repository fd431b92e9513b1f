// Buttons with data-copy="ID" copy the text of that element. Over plain HTTP, browsers do not give scripts the
// clipboard; then the text is selected, to be copied with the keyboard.
import { t } from "./words.js";
import { toast } from "./calls.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
    toast(t("Copied."));
  } catch {
    window.getSelection().selectAllChildren(source);
    toast(document.execCommand("copy") ? t("Copied.") : t("Selected. Copy it with your keyboard."));
  }
});
