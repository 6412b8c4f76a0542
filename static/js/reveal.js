// A revealed value lasts as long as data-vanish says, then its mask stands there again. Closing the dialog, leaving
// the page or hiding the tab takes it away at once, so that it never waits in a dialog nobody looks at.

const hide = (node) => {
  if (!node?.dataset.vanish) return;
  node.textContent = node.dataset.mask;
  delete node.dataset.vanish;
  const count = document.querySelector("[data-vanish-count]");
  if (count) count.closest("p").hidden = true;
};

const begin = (node) => {
  const end = Date.now() + Number(node.dataset.vanish) * 1000;
  const count = document.querySelector("[data-vanish-count]");
  node.focus({ preventScroll: true });
  const clock = setInterval(() => {
    const left = Math.ceil((end - Date.now()) / 1000);
    if (!node.isConnected || !node.dataset.vanish) { clearInterval(clock); return; }
    if (left <= 0) { clearInterval(clock); hide(node); return; }
    if (count) count.textContent = String(left);
  }, 250);
};

const shown = () => document.querySelector("[data-vanish]");

document.addEventListener("htmx:afterSwap", (event) => {
  const node = event.detail.target.querySelector?.("[data-vanish]");
  if (node) begin(node);
});
document.getElementById("sheet")?.addEventListener("close", () => hide(shown()));
addEventListener("pagehide", () => hide(shown()));
