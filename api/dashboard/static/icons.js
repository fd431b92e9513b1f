// The signs of icons.svg, which lies beside this file.
const SVG = "http://www.w3.org/2000/svg";
const sheet = new URL("icons.svg", import.meta.url).pathname;

/** Return a sign; words stand beside it, or name the button that it is on. */
export function icon(name) {
  const drawn = document.createElementNS(SVG, "svg");
  drawn.setAttribute("class", "sign");
  drawn.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${sheet}#${name}`);
  drawn.append(use);
  return drawn;
}
