// Toasts count down and go; they wait while pointed at or focused. Those without data-seconds stay until closed.

const started = new WeakSet();

const start = (toast) => {
  if (started.has(toast) || !toast.dataset.seconds) return;
  started.add(toast);
  let left = Number(toast.dataset.seconds);
  const shown = toast.querySelector("[data-countdown]");
  const timer = setInterval(() => {
    if (!toast.isConnected) { clearInterval(timer); return; }
    const held = !shown && (toast.matches(":hover") || toast.contains(document.activeElement));
    if (!held) left -= 1;
    if (shown) shown.textContent = String(Math.max(0, left));
    if (left <= 0) { clearInterval(timer); toast.remove(); }
  }, 1000);
};

const region = document.getElementById("toasts");
if (region) {
  const look = () => region.querySelectorAll("[data-toast]").forEach(start);
  new MutationObserver(look).observe(region, { childList: true, subtree: true });
  region.addEventListener("click", (event) => {
    if (event.target.closest("[data-toast-close]")) event.target.closest("[data-toast]").remove();
  });
  look();
}
