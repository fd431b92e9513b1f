// The image grids of all epochs on a slider.
import { make, nearest } from "./charts.js";
import { number } from "./figures.js";
import { icon } from "./icons.js";
import { t } from "./words.js";

const WHOLE_MS = 12000; // duration of the whole animation; each image is shown within these bounds
const [SHORTEST_MS, LONGEST_MS] = [100, 600];

class Grids {
  constructor({ grids, at }, onMove) {
    this.grids = grids;
    this.addresses = at; // of an image and of its download, with ID for the artifact's id
    this.onMove = onMove;
    this.playing = null;
    this.wanted = 0;
    this.slider = document.getElementById("grid-slider");
    this.image = document.getElementById("grid-image");
    this.place = document.getElementById("grid-place");
    this.play = document.getElementById("grid-play");
    this.previous = document.getElementById("grid-previous");
    this.next = document.getElementById("grid-next");
    this.download = document.getElementById("grid-download");
    this.some = document.getElementById("grid-some");
    this.none = document.getElementById("grid-none");
    this.slider.addEventListener("input", () => this.stopAnd(() => this.show(Number(this.slider.value))));
    this.previous.addEventListener("click", () => this.stopAnd(() => this.show(this.at - 1)));
    this.next.addEventListener("click", () => this.stopAnd(() => this.show(this.at + 1)));
    this.play.addEventListener("click", () => (this.playing ? this.stop() : this.start()));
    let enlarge = null;
    document.getElementById("grid-open").addEventListener("click", async () => {
      const shown = () => ({ src: this.image.src, text: this.place.value });
      enlarge ??= (await import("./lightbox.js")).lightbox(shown, (by) => this.stopAnd(() => this.show(this.at + by)));
      enlarge();
    });
    if (grids.length) this.show(grids.length - 1);
  }

  get at() {
    return Number(this.slider.value);
  }

  address(grid) {
    return this.addresses.image.replace("ID", grid.id);
  }

  /** Show a grid by its index. The image changes when the new one is loaded, without flicker. */
  async show(place) {
    const n = Math.min(this.grids.length - 1, Math.max(0, place));
    const grid = this.grids[n];
    const words = t("epoch {epoch} · step {step}", { epoch: number(grid.epoch ?? 0), step: number(grid.step ?? 0) });
    this.slider.max = this.grids.length - 1;
    this.slider.value = n;
    this.slider.setAttribute("aria-valuetext", words);
    this.place.value = words;
    this.download.href = this.addresses.download.replace("ID", grid.id);
    this.previous.disabled = n === 0;
    this.next.disabled = n === this.grids.length - 1;
    this.onMove(grid.step);
    const ticket = ++this.wanted;
    const picture = make("img", { src: this.address(grid) });
    try {
      await picture.decode();
    } catch {
      // Not available now. The address is set all the same, and the alternative text describes the image.
    }
    if (ticket !== this.wanted) return;
    this.image.src = picture.src;
    this.image.alt = t("Images at {place}", { place: words });
    for (let away = 1; away <= this.addresses.ahead; away++)
      for (const near of [this.grids[n + away], this.grids[n - away]]) if (near) make("img", { src: this.address(near) });
  }

  /** Show the grid that is nearest to a step. */
  nearest(step) {
    const n = nearest(this.grids.map((grid) => grid.step), step);
    if (n >= 0) this.stopAnd(() => this.show(n));
  }

  /** Add a new grid. The slider follows if it was at the newest one, else it stays. */
  add({ step, epoch, artifact }) {
    const shown = this.grids[this.at];
    const follows = !this.playing && (!this.grids.length || this.at === this.grids.length - 1);
    const place = this.grids.findIndex((grid) => grid.step >= step);
    const grid = { id: artifact.id, step, epoch };
    if (place < 0) this.grids.push(grid);
    else this.grids.splice(place, this.grids[place].step === step ? 1 : 0, grid);
    this.some.hidden = false;
    this.none.hidden = true;
    this.slider.max = this.grids.length - 1;
    const stays = this.grids.indexOf(shown);
    if (follows || stays < 0) return this.show(this.grids.length - 1);
    this.slider.value = stays;
    this.next.disabled = stays === this.grids.length - 1;
  }

  start() {
    if (this.at >= this.grids.length - 1) this.show(0);
    this.label(t("Stop"), "paused");
    const pause = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, WHOLE_MS / this.grids.length));
    const step = async () => {
      await this.show(this.at + 1);
      if (!this.playing) return;
      if (this.at >= this.grids.length - 1) this.stop();
      else this.playing = setTimeout(step, pause);
    };
    this.playing = setTimeout(step, pause);
  }

  stop() {
    clearTimeout(this.playing);
    this.playing = null;
    this.label(t("Play"), "running");
  }

  stopAnd(act) {
    if (this.playing) this.stop();
    return act();
  }

  label(words, sign) {
    this.play.replaceChildren(icon(sign));
    this.play.title = words;
    this.play.setAttribute("aria-label", words);
  }
}

/** Connect the slider to the grids; `onMove(step)` is called when it moves. */
export function watchGrids(data, onMove) {
  return new Grids(data, onMove);
}
