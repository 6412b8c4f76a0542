// The signature pad: strokes on a canvas, written as PNG into the hidden field of its form. Without scripts the pad
// stays hidden and the typed name stands in its place. Nothing is kept in the browser.

const INK = "#1a1d23";

for (const pad of document.querySelectorAll("[data-signature]")) {
  const canvas = pad.querySelector("canvas");
  const field = pad.closest("fieldset").querySelector("input[name=signature]");
  const state = pad.querySelector("[data-signature-state]");
  const empty = state.textContent;
  const pen = canvas.getContext("2d");
  let drawing = false;

  const blank = () => {
    pen.fillStyle = "#ffffff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.strokeStyle = INK;
    pen.lineWidth = 4;
    pen.lineCap = pen.lineJoin = "round";
  };
  const say = () => { state.textContent = field.value ? state.dataset.signed : empty; };
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * canvas.width / box.width, (event.clientY - box.top) * canvas.height / box.height];
  };

  pad.hidden = false;
  blank();
  if (field.value) {
    const before = new Image();
    before.addEventListener("load", () => pen.drawImage(before, 0, 0, canvas.width, canvas.height));
    before.src = field.value;
  }
  say();

  canvas.addEventListener("pointerdown", (event) => {
    drawing = true;
    canvas.setPointerCapture(event.pointerId);
    pen.beginPath();
    pen.moveTo(...at(event));
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drawing) return;
    pen.lineTo(...at(event));
    pen.stroke();
  });
  const lift = () => {
    if (!drawing) return;
    drawing = false;
    field.value = canvas.toDataURL("image/png");
    say();
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  pad.querySelector("[data-signature-clear]").addEventListener("click", () => {
    blank();
    field.value = "";
    say();
  });
}
