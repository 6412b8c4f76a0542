// Hints on the case page: beside each claim the piece of the badge it was found in, cut from the picture that is on the
// page already, and numbered boxes over the badge that follow zoom and turn. Places go through the CSSOM. B hides them.
// Without this module <details> loads each piece from the server.

const stage = document.querySelector("[data-viewer-stage]");
const toggle = document.querySelector("[data-boxes]");
const reads = [...document.querySelectorAll("[data-read]")];
const HEIGHT = 24, WIDEST = 200, MARGIN = 0.08;

const pictureOf = (read) => [...stage.querySelectorAll("img")].find((image) => image.src.includes(read.dataset.read));
const numberOf = (read) => read.closest("[data-claim]")?.dataset.claim ?? "";
const boxOf = (read) => read.dataset.box.split(" ").map(Number);

/** The piece, upright, HEIGHT pixels high at most. */
const cut = (read, image) => {
  const turn = Number(read.dataset.turn) % 4;
  const [l, t, r, b] = boxOf(read);
  const [wide, high] = [image.naturalWidth, image.naturalHeight];
  const pad = MARGIN * Math.min((r - l) * wide, (b - t) * high);
  const x = Math.max(0, l * wide - pad), y = Math.max(0, t * high - pad);
  const w = Math.min(wide, r * wide + pad) - x, h = Math.min(high, b * high + pad) - y;
  const [across, down] = turn % 2 ? [h, w] : [w, h];
  const scale = Math.min(HEIGHT / down, WIDEST / across), fine = window.devicePixelRatio || 1;
  const canvas = document.createElement("canvas");
  canvas.className = "crop";
  canvas.setAttribute("aria-hidden", "true");
  canvas.width = Math.round(across * scale * fine);
  canvas.height = Math.round(down * scale * fine);
  canvas.style.width = `${across * scale}px`;
  canvas.style.height = `${down * scale}px`;
  const pen = canvas.getContext("2d");
  pen.imageSmoothingQuality = "high";
  pen.translate(canvas.width / 2, canvas.height / 2);
  pen.rotate(turn * Math.PI / 2);
  pen.drawImage(image, x, y, w, h, -w * scale * fine / 2, -h * scale * fine / 2, w * scale * fine, h * scale * fine);
  return canvas;
};

const show = (read, image) => {
  const ready = () => { read.querySelector("details")?.replaceWith(cut(read, image)); };
  if (image.complete && image.naturalWidth) ready(); else image.addEventListener("load", ready, { once: true });
};

/** One layer of boxes over one picture; it takes the picture's place, size and transform. */
const layer = (image, over) => {
  const node = document.createElement("div");
  node.className = "spots";
  node.setAttribute("aria-hidden", "true");
  for (const read of over) {
    const [l, t, r, b] = boxOf(read);
    const box = document.createElement("div");
    box.className = `spot${read.classList.contains("read--soon") ? " spot--near" : ""}`;
    box.dataset.number = numberOf(read);
    Object.assign(box.style, { left: `${l * 100}%`, top: `${t * 100}%`, width: `${(r - l) * 100}%`, height: `${(b - t) * 100}%` });
    node.append(box);
  }
  stage.append(node);
  const follow = () => {
    node.hidden = image.hidden || toggle?.getAttribute("aria-pressed") !== "true";
    const { transform } = image.style;
    Object.assign(node.style, {
      left: `${image.offsetLeft}px`, top: `${image.offsetTop}px`, transform,
      width: `${image.offsetWidth}px`, height: `${image.offsetHeight}px`,
    });
    node.style.setProperty("--zoom", /scale\(([\d.]+)/.exec(transform)?.[1] ?? "1");
    node.style.setProperty("--turn", `${-Number(/rotate\((-?[\d.]+)/.exec(transform)?.[1] ?? 0)}deg`);
  };
  new MutationObserver(follow).observe(image, { attributes: true, attributeFilter: ["style", "hidden"] });
  new ResizeObserver(follow).observe(stage);
  image.addEventListener("load", follow);
  toggle?.addEventListener("click", follow);
  follow();
};

/** The claim that is looked at has its box drawn strong. */
const point = (claim, on) => {
  for (const box of stage.querySelectorAll(`.spot[data-number="${claim.dataset.claim}"]`)) box.classList.toggle("is-now", on);
};

if (stage && reads.length) {
  const by = new Map();
  for (const read of reads) {
    const image = pictureOf(read);
    if (!image) continue;
    show(read, image);
    by.set(image, [...by.get(image) ?? [], read]);
  }
  if (toggle) {
    toggle.hidden = false;
    toggle.addEventListener("click", () => {
      toggle.setAttribute("aria-pressed", String(toggle.getAttribute("aria-pressed") !== "true"));
    });
  }
  for (const [image, over] of by) layer(image, over);
  for (const claim of document.querySelectorAll("[data-claim]")) {
    for (const [name, on] of [["pointerenter", true], ["focusin", true], ["pointerleave", false], ["focusout", false]]) {
      claim.addEventListener(name, () => point(claim, on));
    }
  }
}
