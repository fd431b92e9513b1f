// Upload of data sets: dropped or selected, sent with progress, then followed until ready or refused.
import { call, complaint, mark, once, signInAgain, tell, toast } from "./calls.js";
import { size } from "./figures.js";
import { refresh, say } from "./page.js";
import { prose } from "./prose.js";
import { t } from "./words.js";

const byId = (id) => document.getElementById(id);
const form = byId("upload");
const csrf = document.querySelector('meta[name="csrf-token"]').content;
const ARCHIVE = /\.(zip|tar|tgz|tbz2?|txz|tar\.(gz|bz2|xz))$/i;
const underWay = new Set();
let suggested = "";

function element(name, className, ...content) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

/** Put a file into the form, as if it had been selected there. */
function take(file) {
  const holder = new DataTransfer();
  holder.items.add(file);
  form.elements.file.files = holder.files;
  suggest();
}

// Suggest the file's name unless the person has typed another one.
function suggest() {
  const { file, name } = form.elements;
  if (!file.files.length || (name.value && name.value !== suggested)) return;
  suggested = file.files[0].name.replace(ARCHIVE, "").trim();
  name.value = suggested;
}

/** Return errors found before sending, in the form of the service's errors. */
async function wrongHere() {
  const wrong = [...form.elements]
    .filter((input) => input.dataset.pointer && !input.validity.valid)
    .map((input) => ({ pointer: input.dataset.pointer, detail: complaint(input) }));
  const [file] = form.elements.file.files;
  if (file && file.size > Number(form.dataset.limit))
    wrong.push({ pointer: "/file", detail: t("The file is {size}; the limit is {limit}.", { size: size(file.size), limit: size(Number(form.dataset.limit)) }) });
  if (wrong.length || !file) return wrong;
  const known = await call("GET", "/v1/datasets?limit=100");
  const mine = [null, form.dataset.owner];
  if (known.data.some((one) => one.name === form.elements.name.value && mine.includes(one.owner)))
    wrong.push({ pointer: "/name", detail: t("A data set with this name exists. Delete it first, or choose another name.") });
  return wrong;
}

/** The values of the form, to send now or to restore after a refusal. */
function filled() {
  const { file, name, size: side, skip_damaged: skip } = form.elements;
  return { file: file.files[0], name: name.value, size: side.value, skip: skip.checked };
}

function putBack(asked) {
  take(asked.file);
  form.elements.name.value = asked.name;
  form.elements.size.value = asked.size;
  form.elements.skip_damaged.checked = asked.skip;
}

/** One upload as a row: file, progress and result. */
class Row {
  constructor(asked) {
    this.bar = document.createElement("progress");
    this.bar.max = 1;
    this.bar.value = 0;
    this.bar.setAttribute("aria-label", t("Progress of {name}", { name: asked.name }));
    this.says = element("p", "says");
    this.button = element("button", "", t("Cancel"), element("span", "visually-hidden", ` ${asked.name}`));
    this.button.type = "button";
    const what = element("span", "what", element("strong", "", asked.name), " ", element("small", "", `${asked.file.name}, ${size(asked.file.size)}`));
    this.box = element("li", "upload", what, this.button, this.bar, this.says);
    byId("uploads").prepend(this.box);
  }

  sending(share) {
    this.bar.value = share;
    this.state("sending", t("Uploading: {percent} %", { percent: Math.floor(100 * share) }));
  }

  checking() {
    this.bar.removeAttribute("value"); // progress is unknown
    this.state("checking", t("Uploaded. The pictures are being checked and packed."));
  }

  state(state, text) {
    this.box.dataset.state = state;
    this.says.textContent = text;
  }

  end(state, text, details = []) {
    this.state(state, text);
    this.bar.remove();
    this.button.replaceChildren(t("Close"));
    this.button.className = "quiet";
    this.says.className = state === "ready" ? "says" : "says problem";
    if (details.length) this.box.append(element("ul", "", ...details.map((detail) => element("li", "", ...prose(detail)))));
  }
}

function send(asked) {
  const row = new Row(asked);
  const request = new XMLHttpRequest(); // fetch does not report upload progress
  const body = new FormData();
  body.append("name", asked.name);
  if (asked.size) body.append("size", asked.size);
  if (asked.skip) body.append("skip_damaged", "true");
  body.append("file", asked.file);
  request.upload.addEventListener("progress", (event) => row.sending(event.lengthComputable ? event.loaded / event.total : 0));
  request.upload.addEventListener("load", () => row.checking());
  request.addEventListener("load", () => ended(row, request, asked));
  request.addEventListener("error", () => refused(row, asked, { detail: t("Connection lost; nothing was stored.") }));
  request.addEventListener("abort", () => row.end("canceled", t("Canceled; nothing was stored.")));
  request.addEventListener("loadend", () => underWay.delete(request));
  row.button.addEventListener("click", () => {
    if (underWay.has(request)) request.abort();
    else row.box.remove();
    byId("bring-title").focus();
  });
  underWay.add(request);
  row.sending(0);
  request.open("POST", "/v1/datasets");
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("X-CSRF-Token", csrf);
  request.send(body);
}

function ended(row, request, asked) {
  if (request.status === 401) {
    underWay.clear();
    signInAgain();
    return;
  }
  let answer;
  try {
    answer = JSON.parse(request.responseText);
  } catch {
    answer = { detail: request.statusText };
  }
  if (request.status !== 201) {
    refused(row, asked, answer);
    return;
  }
  row.end("ready", t("Ready: {images} images.", { images: answer.images }), answer.notes);
  const link = element("a", "button", t("Train on it"));
  link.href = `/dashboard/new?dataset=${encodeURIComponent(answer.name)}`;
  row.says.append(" ", link);
  say(t("{name} is ready.", { name: answer.name }));
  refresh();
}

function refused(row, asked, problem) {
  const errors = problem.errors || [];
  const said = problem.detail || problem.title;
  const more = errors.filter(({ detail }) => !said.includes(detail));
  row.end("failed", said, more.map(({ pointer, detail }) => (pointer === "/file" ? detail : `${pointer.slice(1)}: ${detail}`)));
  say(t("{name} was refused.", { name: asked.name }));
  // If no other file was selected meanwhile, restore the form, to be corrected.
  if (form.elements.file.files.length) return;
  putBack(asked);
  const beside = { conflict: "/name", too_large: "/file" }[problem.code];
  mark(errors.length ? errors.slice(0, 1) : beside ? [{ pointer: beside, detail: problem.detail }] : [], form);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const begin = async () => {
    const wrong = await wrongHere();
    if (wrong.length) {
      tell({ errors: wrong }, form);
      return;
    }
    mark([], form);
    send(filled());
    form.reset();
    suggested = "";
  };
  once(event.submitter || form.querySelector("button.primary"), begin, form);
});
form.elements.file.addEventListener("change", suggest);

// Accept a file dropped anywhere on the page; the browser would otherwise leave the page to open it.
const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
let inside = 0;
window.addEventListener("dragenter", (event) => carriesFiles(event) && document.body.classList.toggle("dragging", ++inside > 0));
window.addEventListener("dragleave", (event) => carriesFiles(event) && document.body.classList.toggle("dragging", --inside > 0));
window.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
window.addEventListener("drop", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  inside = 0;
  document.body.classList.remove("dragging");
  const files = [...event.dataTransfer.files];
  if (files.length > 1) toast(t("Upload one archive at a time: put the pictures into a zip or tar file."), true);
  else if (files.length) {
    take(files[0]);
    mark([], form);
    form.elements.name.focus();
    form.elements.name.select();
  }
});
window.addEventListener("beforeunload", (event) => underWay.size && event.preventDefault());
// A deletion removes the button that had the focus. (Only a deletion has an empty answer.)
let deleted = false;
document.addEventListener("changed", (event) => {
  deleted = event.detail === null;
});
document.addEventListener("refreshed", () => {
  if (deleted && document.activeElement === document.body) byId("list-title").focus();
  deleted = false;
});
