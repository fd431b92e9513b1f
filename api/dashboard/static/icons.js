// The icons of icons.svg, beside this file.
const SVG = "http://www.w3.org/2000/svg";
const sheet = new URL("icons.svg", import.meta.url).pathname;

/** Return an icon. A text beside it, or the name of its button, says the same. */
export function icon(name) {
  const drawn = document.createElementNS(SVG, "svg");
  drawn.setAttribute("class", "sign");
  drawn.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${sheet}#${name}`);
  drawn.append(use);
  return drawn;
}
