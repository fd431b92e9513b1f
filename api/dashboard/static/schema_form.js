// The parameter fields of the template dashboard/new_fields.html: values as JSON, changes from the defaults, and reset.
// Used wherever parameters can be changed.
import { t } from "./words.js";

export class SchemaForm {
  /** `root`: the element with the fields. `onChange()`: called on every change. */
  constructor(root, onChange = () => {}) {
    this.root = root;
    this.onChange = onChange;
    root.addEventListener("input", (event) => {
      this.#oneBudget(event.target);
      this.mark();
      this.onChange();
    });
    root.addEventListener("click", (event) => {
      const button = event.target.closest("[data-reset]");
      if (button) this.reset(button.closest("[data-param]"));
    });
    this.mark();
  }

  get fields() {
    return [...this.root.querySelectorAll("[data-param]")];
  }

  /** Return the values that differ from the defaults: the `params` of a request. */
  changes() {
    const changed = {};
    for (const field of this.fields) if (isChanged(field)) changed[field.dataset.param] = read(field);
    // A budget in one unit replaces the other; a cleared budget is sent only when both are empty.
    for (const field of this.fields) {
      const other = this.#replaced(field);
      if (other && changed[field.dataset.param] === null && read(other) !== null) delete changed[field.dataset.param];
    }
    return changed;
  }

  /** Set the fields that exist to these values. */
  put(values) {
    for (const field of this.fields) if (field.dataset.param in values) write(field, values[field.dataset.param]);
    this.mark();
  }

  /** Reset one field. */
  reset(field) {
    write(field, JSON.parse(field.dataset.default));
    const other = this.#replaced(field);
    if (other) write(other, JSON.parse(other.dataset.default));
    this.mark();
    field.querySelector("[data-value]").focus();
    this.onChange();
  }

  /** Mark changed fields, and count them in each group. */
  mark() {
    for (const field of this.fields) {
      const changed = isChanged(field);
      field.toggleAttribute("data-changed", changed);
      field.querySelector("[data-reset]").hidden = !changed;
    }
    countChanges(this.root);
  }

  #oneBudget(input) {
    const field = input.closest("[data-param]");
    const other = field && input.value !== "" ? this.#replaced(field) : null;
    if (other) write(other, null);
  }

  /** Return the field that a value in this one clears, if there is one (models/budget.py). */
  #replaced(field) {
    const name = field.dataset.replaces;
    return name ? this.root.querySelector(`[data-param="${name}"]`) : null;
  }
}

/** Write beside the title of each group how many of its fields are changed. */
export function countChanges(root) {
  for (const badge of root.querySelectorAll("[data-changed-count]")) {
    const count = badge.closest("details").querySelectorAll("[data-changed]").length;
    badge.hidden = !count;
    badge.textContent = t("{count} changed", { count });
  }
}

function isChanged(field) {
  return JSON.stringify(read(field)) !== JSON.stringify(JSON.parse(field.dataset.default));
}

/** Return the value of a field as JSON. */
function read(field) {
  if (field.dataset.kind === "actions") {
    const chosen = [...field.querySelectorAll("[data-code]")].filter((select) => select.selectedIndex > 0);
    return Object.fromEntries(chosen.map((select) => [select.dataset.code, select.value]));
  }
  const input = field.querySelector("[data-value]");
  if (input.value.trim() === "") return null;
  switch (field.dataset.kind) {
    case "integer":
    case "number":
      return Number(input.value);
    case "switch":
      return input.value === "true";
    case "list":
      return input.value.split(",").map(Number);
    case "cadence":
      return { [field.querySelector("[data-unit]").value]: Number(input.value) };
    default:
      return input.value;
  }
}

function write(field, value) {
  if (field.dataset.kind === "actions") {
    for (const select of field.querySelectorAll("[data-code]")) {
      const wanted = (value ?? {})[select.dataset.code];
      const index = [...select.options].findIndex((option) => option.value === wanted);
      select.selectedIndex = Math.max(0, index);
    }
    return;
  }
  const input = field.querySelector("[data-value]");
  if (field.dataset.kind === "cadence" && value) {
    const [[unit, count]] = Object.entries(value);
    field.querySelector("[data-unit]").value = unit;
    input.value = count;
  } else input.value = value === null ? "" : Array.isArray(value) ? value.join(", ") : String(value);
}
