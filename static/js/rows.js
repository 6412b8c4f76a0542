// Worklist rows: j k and arrows move, Enter opens the page, o or a click opens the drawer, x ticks, / goes to the
// filter. The list is one Tab stop. Ticks turn the filter row into the bulk bar; its words come from data-text.

import { modalOpen, resting, singleKeysOn } from "./keys.js";
import { openDrawer } from "./dialogs.js";

const grid = document.querySelector("[data-worklist]");
const rows = () => [...grid.querySelectorAll("tbody tr[data-row]")];
const current = () => grid.querySelector("tr.is-current");
const pageOf = (row) => row.dataset.href ?? row.querySelector("a[href]")?.href;

const move = (row, focus = true) => {
  if (!row) return;
  for (const other of rows()) {
    other.classList.toggle("is-current", other === row);
    other.tabIndex = other === row ? 0 : -1;
  }
  if (focus) row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
  if (document.getElementById("drawer")?.open) show(row);
};

const show = (row) => row?.dataset.drawer ? openDrawer(row.dataset.drawer, row) : undefined;

const step = (by) => {
  const all = rows();
  const at = all.indexOf(current());
  move(all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + by))]);
};

const boxes = () => [...grid.querySelectorAll("tbody td:first-child input.box")];

const count = () => {
  const ticked = boxes().filter((box) => box.checked);
  for (const box of boxes()) box.closest("tr").toggleAttribute("aria-selected", false);
  for (const box of ticked) box.closest("tr").setAttribute("aria-selected", "true");
  const bulk = document.querySelector("[data-bulk]");
  if (!bulk) return;
  const whole = bulk.querySelector("input[name=all_matching]");
  if (ticked.length === 0 && whole) whole.checked = false;
  bulk.hidden = ticked.length === 0;
  document.querySelector("[data-filters]")?.toggleAttribute("hidden", ticked.length > 0);
  const words = bulk.querySelector("[data-text]");
  if (words) words.textContent = words.dataset.text.replace("{n}", ticked.length);
  const all = grid.querySelector("input[data-select-page]");
  if (all) { all.checked = ticked.length > 0 && ticked.length === boxes().length; all.indeterminate = ticked.length > 0 && !all.checked; }
};

document.querySelector("[data-filter-toggle]")?.addEventListener("click", (event) => {
  const open = event.currentTarget.closest("form").classList.toggle("is-open");
  event.currentTarget.setAttribute("aria-expanded", String(open));
});

const typing = (node) => /^(TEXTAREA|SELECT)$/.test(node.tagName) || node.tagName === "INPUT" && node.type !== "checkbox";

const acts = {
  j: () => step(1), k: () => step(-1), ArrowDown: () => step(1), ArrowUp: () => step(-1),
  x: () => { const box = current()?.querySelector("td:first-child input.box"); if (box) { box.checked = !box.checked; count(); } },
  o: () => show(current()),
  Enter: () => { const url = current() && pageOf(current()); if (url) location.assign(url); },
  "/": () => document.querySelector("[data-filters] .field")?.focus(),
};

if (grid) {
  document.addEventListener("keydown", (event) => {
    if (resting(event) || event.ctrlKey || event.altKey || event.metaKey || modalOpen() || typing(event.target)) return;
    const onRow = grid.contains(event.target) && event.target.matches("tr");
    const arrow = event.key.startsWith("Arrow") || event.key === "Enter";
    if (arrow ? !onRow : !singleKeysOn() && !onRow) return;
    const act = acts[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  grid.addEventListener("click", (event) => {
    if (event.target.closest("a, button, input, label, summary") || getSelection()?.toString()) return;
    const row = event.target.closest("tr[data-row]");
    if (!row) return;
    const open = document.getElementById("drawer")?.open;
    move(row);
    if (!row.dataset.drawer) location.assign(pageOf(row)); else if (!open) show(row);
  });
  grid.addEventListener("change", (event) => {
    if (event.target.matches("[data-select-page]")) for (const box of boxes()) box.checked = event.target.checked;
    count();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-clear-selection]")) return;
    for (const box of boxes()) box.checked = false;
    count();
    rows()[0]?.focus();
  });
  rows().forEach((row, at) => { row.tabIndex = at === 0 ? 0 : -1; });
  grid.addEventListener("focusin", (event) => {
    if (event.target.matches("tr[data-row]") && event.target !== current()) move(event.target, false);
  });
  count();
}
