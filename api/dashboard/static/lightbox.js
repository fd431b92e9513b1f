// An image of the page as large as the window, in a dialog: arrows go to its neighbours, Escape and a click beside it close.
import { make } from "./charts_words.js";
import { icon } from "./icons.js";
import { t } from "./words.js";

/**
 * Return a function that opens it. `shown()` returns the address and the text of what is shown now, `step(by)` goes on
 * by so many images and resolves when the next one is shown.
 */
export function lightbox(shown, step) {
  const image = make("img", { class: "pixels" });
  const caption = make("p", { id: "lightbox-caption", role: "status" });
  const button = (sign, name, act) => {
    const made = make("button", { type: "button", "aria-label": name, title: name }, icon(sign));
    made.addEventListener("click", act);
    return made;
  };
  const box = make("dialog", { class: "lightbox", "aria-label": t("Images") }, image,
    make("div", { class: "lightbox-tools" }, button("earlier", t("Previous"), () => go(-1)), caption, button("later", t("Next"), () => go(1)), button("away", t("Close"), () => box.close())));
  document.body.append(box);

  function show() {
    const { src, text } = shown();
    image.src = src;
    image.alt = t("Images at {place}", { place: text });
    caption.textContent = text;
  }
  async function go(by) {
    await step(by);
    show();
  }
  box.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    go(by);
  });
  box.addEventListener("click", (event) => event.target === box && box.close());
  return () => {
    show();
    box.showModal();
  };
}
