// The badge viewer: <div data-viewer> holds data-viewer-stage with one or more <img>, buttons data-viewer-act
// ("in out turn fit next previous", with data-key), and a data-viewer-say live region with data-text
// "缩放 {zoom}%，旋转 {turn}°，第 {n} 张，共 {of} 张". Transforms go through the CSSOM, never a style attribute in HTML.

const STEP = 1.25, LEAST = 0.25, MOST = 8, SETTLE = 400;

class Viewer {
  constructor(root) {
    this.root = root;
    this.stage = root.querySelector("[data-viewer-stage]");
    this.images = [...this.stage.querySelectorAll("img")];
    this.say = root.querySelector("[data-viewer-say]");
    this.at = 0;
    this.fit();
    this.show(0, false);
    root.addEventListener("click", (event) => {
      const button = event.target.closest("[data-viewer-act]");
      if (button) this.act(button.dataset.viewerAct);
    });
    this.stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoomBy(event.deltaY < 0 ? STEP : 1 / STEP, event.clientX, event.clientY);
    }, { passive: false });
    this.stage.addEventListener("pointerdown", (event) => this.drag(event));
    this.stage.addEventListener("dblclick", () => this.act(this.zoom > 1 ? "fit" : "in"));
    this.stage.addEventListener("dragstart", (event) => event.preventDefault());
  }

  get image() { return this.images[this.at]; }

  act(name) {
    const acts = {
      in: () => this.zoomBy(STEP), out: () => this.zoomBy(1 / STEP),
      turn: () => { this.turn += 90; }, fit: () => this.fit(),
      next: () => this.show(this.at + 1), previous: () => this.show(this.at - 1),
    };
    acts[name]?.();
    this.draw();
  }

  fit() { this.zoom = 1; this.turn = 0; this.x = 0; this.y = 0; }

  show(at, reset = true) {
    if (this.images.length === 0) return;
    this.at = (at + this.images.length) % this.images.length;
    this.images.forEach((image, n) => { image.hidden = n !== this.at; });
    if (reset) this.fit();
    this.draw(reset);
  }

  /** Zoom about a point of the window, the middle of the stage by default. */
  zoomBy(factor, clientX, clientY) {
    const to = Math.min(MOST, Math.max(LEAST, this.zoom * factor));
    const box = this.stage.getBoundingClientRect();
    const px = (clientX ?? box.left + box.width / 2) - box.left - box.width / 2;
    const py = (clientY ?? box.top + box.height / 2) - box.top - box.height / 2;
    this.x = px - (px - this.x) * to / this.zoom;
    this.y = py - (py - this.y) * to / this.zoom;
    this.zoom = to;
    this.draw();
  }

  drag(event) {
    if (event.button !== 0 || event.target.closest("button, a")) return;
    const from = { x: event.clientX - this.x, y: event.clientY - this.y };
    this.stage.setPointerCapture(event.pointerId);
    this.stage.classList.add("is-dragging");
    const follow = (moved) => { this.x = moved.clientX - from.x; this.y = moved.clientY - from.y; this.draw(false); };
    const stop = () => {
      this.stage.classList.remove("is-dragging");
      this.stage.removeEventListener("pointermove", follow);
    };
    this.stage.addEventListener("pointermove", follow);
    this.stage.addEventListener("pointerup", stop, { once: true });
    this.stage.addEventListener("pointercancel", stop, { once: true });
  }

  draw(speak = true) {
    if (!this.image) return;
    this.image.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.zoom * this.shrink()}) rotate(${this.turn}deg)`;
    if (!speak || !this.say) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const facts = { zoom: Math.round(this.zoom * 100), turn: this.turn % 360, n: this.at + 1, of: this.images.length };
      this.say.textContent = this.say.dataset.text.replace(/\{(\w+)\}/g, (_all, name) => facts[name]);
    }, SETTLE);
  }

  /** A quarter turn must still fit: shrink by what the stage lacks. */
  shrink() {
    if (this.turn % 180 === 0 || !this.image.offsetWidth) return 1;
    const { clientWidth, clientHeight } = this.stage;
    return Math.min(1, (clientWidth - 32) / this.image.offsetHeight, (clientHeight - 32) / this.image.offsetWidth);
  }
}

/** Take over every viewer that nobody has taken over yet. */
export const mountViewers = () => {
  for (const root of document.querySelectorAll("[data-viewer]:not([data-mounted])")) {
    root.dataset.mounted = "1";
    if (root.querySelector("[data-viewer-stage]")) new Viewer(root);
  }
};
mountViewers();
