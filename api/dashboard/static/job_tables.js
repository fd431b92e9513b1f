// The layers of the networks and the report of the run: files of the job, read when somebody opens them.
import { make } from "./charts.js";
import { figure } from "./figures.js";
import { t } from "./words.js";

const cells = (tag, values, figures = 99) => values.map((value, n) => make(tag, n >= figures ? { class: "figure" } : tag === "th" ? { scope: "col" } : {}, value));

/** Return tables of a summary: a line a network, its layers indented below. */
function layers(text) {
  const tables = [];
  let body = null;
  for (const line of text.split("\n")) {
    if (line && !line.startsWith(" ")) {
      body = make("tbody");
      tables.push(make("h3", {}, line), make("table", { class: "layers" }, make("thead", {}, make("tr", {}, ...cells("th", [t("Layer"), t("Output"), t("Parameters")], 1))), body));
    } else if (body && line.trim()) {
      const words = line.trim().split(/\s{2,}/);
      if (words[0] === "layer") continue;
      const total = words[0] === "total";
      body.append(make("tr", total ? { class: "total" } : {}, ...cells("td", total ? [t("total"), "", words.at(-1)] : [words[0], words[1] ?? "", words[2] ?? ""], 1)));
    }
  }
  return tables;
}

const plain = (value) => (value === null ? "–" : typeof value === "number" ? figure(value) : typeof value === "object" ? JSON.stringify(value) : String(value));

function report(text) {
  const list = make("dl");
  for (const [name, value] of Object.entries(JSON.parse(text))) {
    if (name === "params") continue; // they stand above
    const long = Array.isArray(value) && value.length > 8;
    list.append(make("dt", {}, name), make("dd", {}, long ? `${value.slice(0, 8).map(plain).join(", ")} … (${value.length})` : Array.isArray(value) ? value.map(plain).join(", ") || "–" : plain(value)));
  }
  return [list];
}

document.addEventListener("toggle", async (event) => {
  const box = event.target;
  if (!box.open || !box.dataset?.source || box.dataset.read === box.dataset.source) return;
  box.dataset.read = box.dataset.source;
  const shown = document.getElementById(`${box.id}-shown`);
  const answer = await fetch(box.dataset.source, { credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) return delete box.dataset.read; // the link to the file stays
  shown.append(...(box.id === "layers" ? layers : report)(await answer.text()));
}, true);
