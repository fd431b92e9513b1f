// The form for a new job: checked by a dry run on every change, shown as a command, and submitted.
import { call, complaint, mark, nearest, once, Refused, tell, toast, unfold } from "./calls.js";
import "./copy.js";
import { say } from "./page.js";
import { showPlan, showProblems, showTrouble } from "./dry_run.js";
import { prose } from "./prose.js";
import { countChanges, SchemaForm } from "./schema_form.js";
import { t } from "./words.js";

const PAUSE_MS = 600; // without typing, before a dry run
const LOOK_AGAIN_MS = 20000; // other people's jobs change the plan
const DRAFT = "new-job";
const byId = (id) => document.getElementById(id);
const page = byId("new");
const job = byId("job");
const choice = byId("choice");
const plan = byId("plan");
const params = new SchemaForm(job);
// The settings of the job itself. Its name stands above, outside of the form.
const settings = () => [...job.elements].filter((field) => field.dataset.field);
let asked = 0;
let pause = null;
let turning = null;
let sent = { text: "", key: "" };
let wasWrong = false;
let refused = []; // pointers of the last problems

/** Parse labels, one per line; null if a line is not a label. */
function labels(text) {
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  const pairs = lines.map((line) => /^([^=]+)=(.*)$/.exec(line));
  return pairs.includes(null) ? null : Object.fromEntries(pairs.map(([, key, value]) => [key.trim(), value.trim()]));
}

function valueOf(field) {
  if (field.dataset.field === "labels") return labels(field.value);
  if (field.value.trim() === "") return null;
  return field.dataset.field === "number" ? Number(field.value) : field.value;
}

/** Return the request of the form, without values that equal the defaults. */
function request() {
  const wanted = { kind: "train", recipe: choice.elements.recipe.value, dataset: byId("dataset").value };
  if (byId("preset").value) wanted.preset = byId("preset").value;
  const changes = params.changes();
  if (Object.keys(changes).length) wanted.params = changes;
  for (const field of settings()) if (isChanged(field)) wanted[field.name] = valueOf(field);
  return wanted;
}

const isChanged = (field) => JSON.stringify(valueOf(field)) !== field.dataset.default;

/** Mark changed settings that may be closed; their group says how many there are. */
function markSettings() {
  for (const field of settings()) {
    if (field.closest("details")) field.closest(".field").toggleAttribute("data-changed", isChanged(field));
  }
  byId("preset").closest(".field").toggleAttribute("data-changed", byId("preset").value !== "");
  countChanges(job);
}

/** Return the browser's own complaints as errors of the service. */
function wrongHere() {
  const field = byId("job-labels");
  field.setCustomValidity(labels(field.value) === null ? t("Write one key=value per line.") : "");
  return [...job.elements]
    .filter((field) => field.dataset.pointer && !field.validity.valid)
    .map((field) => ({ pointer: field.dataset.pointer, detail: complaint(field) }));
}

function show(errors) {
  mark(errors, page);
  // Opened once: whoever closes it while the problem lasts wants it closed.
  for (const { pointer } of errors) if (!refused.includes(pointer)) unfold(nearest(page, pointer).field || page);
  refused = errors.map(({ pointer }) => pointer);
  // The service has said it, with what would help, beside the field.
  byId("dataset-why").hidden = errors.some(({ pointer }) => pointer === "/dataset");
  const problems = errors.map(({ pointer, detail }) => {
    const { field } = nearest(page, pointer);
    const name = pointer.split("/").filter((part) => part && part !== "params").join(" ");
    return { text: name ? `${name}: ${detail}` : detail, id: field?.id };
  });
  showProblems(plan, problems);
  if (!wasWrong) say(t("Fix the problems first."));
  wasWrong = true;
}

/** Request and show the plan. Answers to older requests are dropped. */
async function check() {
  clearTimeout(pause);
  command();
  const mine = ++asked;
  const wrong = wrongHere();
  if (wrong.length) {
    plan.removeAttribute("aria-busy");
    show(wrong);
    return;
  }
  plan.setAttribute("aria-busy", "true");
  try {
    const [answer, queues] = await Promise.all([
      dryRun(request()),
      call("GET", "/v1/queues?limit=100"),
    ]);
    if (mine !== asked) return;
    if (answer instanceof Refused) show(answer.errors);
    else {
      mark([], page);
      refused = [];
      byId("dataset-why").hidden = Boolean(params.changes().image_size);
      showPlan(plan, answer, queues.data.find((queue) => queue.name === answer.queue));
      if (wasWrong) say(t("No problems left."));
      wasWrong = false;
    }
  } catch (error) {
    if (mine !== asked) return;
    showTrouble(plan, error.message);
  }
  plan.removeAttribute("aria-busy");
}

/** Return the planned job, or the Refused with the errors of the fields. */
async function dryRun(wanted) {
  try {
    return await call("POST", "/v1/jobs?dry_run=true", wanted);
  } catch (error) {
    if (error.errors?.length) return error;
    throw error;
  }
}

function checkSoon() {
  command();
  clearTimeout(pause);
  pause = setTimeout(check, PAUSE_MS);
}

/** Write the request as a shell command. */
function command() {
  const quoted = JSON.stringify(request(), null, 1).replaceAll("'", "'\\''");
  byId("curl").textContent = [
    `curl ${location.origin}/v1/jobs \\`,
    '  -H "Authorization: Bearer $GANFORGE_API_KEY" \\',
    '  -H "Content-Type: application/json" \\',
    `  -d '${quoted}'`,
  ].join("\n");
}

// A session may end while somebody fills in the form: its content is restored after signing in.
function keepDraft() {
  const fields = settings().map((field) => [field.id, field.value]);
  sessionStorage.setItem(DRAFT, JSON.stringify({ address: location.pathname + location.search, params: params.changes(), fields }));
}

function takeDraft() {
  const draft = JSON.parse(sessionStorage.getItem(DRAFT) || "null");
  sessionStorage.removeItem(DRAFT);
  if (draft?.address !== location.pathname + location.search) return;
  params.put(draft.params);
  for (const [id, value] of draft.fields) byId(id).value = value;
  markSettings();
}

/** The same key for the same request: submitting again after a lost connection makes no second job. */
function keyOf(text) {
  if (sent.text !== text) {
    const random = crypto.getRandomValues(new Uint8Array(16));
    sent = { text, key: `page-${Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("")}` };
  }
  return sent.key;
}

function send(event) {
  event.preventDefault();
  const wrong = wrongHere();
  if (wrong.length) {
    show(wrong);
    tell({ errors: wrong }, page);
    return;
  }
  const wanted = request();
  const make = async () => {
    const made = await call("POST", "/v1/jobs", wanted, { "Idempotency-Key": keyOf(JSON.stringify(wanted)) });
    sent = { text: "", key: "" };
    location.assign(`/dashboard/jobs/${made.id}`);
    await new Promise((back) => addEventListener("pageshow", back, { once: true })); // the page is unloading
  };
  const refused = (error) => {
    if (error.errors?.length) show(error.errors);
    throw error;
  };
  once(byId("send"), () => make().catch(refused), page);
}

function address() {
  const kept = new URLSearchParams({ recipe: choice.elements.recipe.value });
  if (byId("preset").value) kept.set("preset", byId("preset").value);
  if (byId("dataset").value) kept.set("dataset", byId("dataset").value);
  return `/dashboard/new?${kept}`;
}

/** Load the fields of another recipe, preset or data set; changed values are kept where the field exists. */
async function turn({ target }) {
  turning?.abort();
  turning = new AbortController();
  const where = address();
  try {
    const answer = await fetch(where, { headers: { Accept: "text/html" }, credentials: "same-origin", signal: turning.signal });
    if (!answer.ok || answer.redirected) {
      history.replaceState(null, "", where);
      keepDraft();
      return location.reload();
    }
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const kept = params.changes();
    const focused = document.activeElement?.id;
    const open = [...byId("recipe-params").querySelectorAll("details[open]")].map(({ id }) => id);
    for (const id of ["setup", "recipe-params"]) byId(id).replaceChildren(...fresh.getElementById(id).childNodes);
    takeQueues(fresh.getElementById("job-queue"));
    for (const old of choice.querySelectorAll(".recipe-fit")) old.replaceWith(fresh.getElementById(old.id));
    for (const id of open) byId(id)?.setAttribute("open", "");
    params.put(kept);
    markSettings();
    describeDataset();
    if (focused && document.activeElement?.id !== focused) byId(focused)?.focus();
    history.replaceState(null, "", address());
    if (target.id !== "dataset") say(t("The form now shows the parameters of {recipe}.", { recipe: choice.elements.recipe.value }));
    await check();
  } catch (error) {
    if (error.name !== "AbortError") toast(t("service not responding; try again shortly"), true);
  }
}

// Some recipes run only on some queues.
function takeQueues(fresh) {
  const queue = byId("job-queue");
  const chosen = queue.value;
  queue.replaceChildren(...fresh.childNodes);
  queue.value = [...queue.options].some((option) => option.value === chosen) ? chosen : "auto";
}

/** Lead to a field, which may be in a closed group. */
function lead(field) {
  unfold(field);
  field.focus();
}

function describeDataset() {
  const { why = "", size = "", preview = "" } = byId("dataset").selectedOptions[0]?.dataset || {};
  byId("dataset-why").replaceChildren(...prose(why));
  const fix = byId("dataset-fix");
  fix.hidden = !size || params.changes().image_size === Number(size);
  fix.dataset.size = size;
  fix.textContent = t("Set image_size = {size}", { size });
  const picture = byId("dataset-preview");
  picture.hidden = !preview;
  if (preview) picture.src = `${preview}?redirect=false`;
  else picture.removeAttribute("src");
}

choice.addEventListener("change", (event) => event.target.name === "recipe" && turn(event));
choice.addEventListener("submit", (event) => event.preventDefault());
job.addEventListener("submit", send);
page.addEventListener("input", (event) => {
  if (event.target.form !== job) return;
  markSettings();
  // Each recipe says whether it fits the data set.
  if (["preset", "dataset"].includes(event.target.id)) turn(event);
  else checkSoon();
});
job.addEventListener("click", (event) => {
  const fix = event.target.closest("#dataset-fix");
  if (fix) {
    params.put({ image_size: Number(fix.dataset.size) });
    fix.hidden = true;
    lead(byId("p-image_size"));
  }
  if (fix || event.target.closest("[data-reset]")) checkSoon();
});
byId("check").addEventListener("click", check);
document.addEventListener("ended", keepDraft);
// A link to a field with a problem.
plan.addEventListener("click", (event) => {
  const field = byId(event.target.closest("a")?.hash.slice(1) || "");
  if (!field) return;
  event.preventDefault();
  lead(field);
});
setInterval(() => document.hidden || plan.querySelector(".problems") || check(), LOOK_AGAIN_MS);
describeDataset();
markSettings();
takeDraft();
check();
