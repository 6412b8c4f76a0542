// Single keys. Any button, link or field may carry data-key="a" (or "mod+enter", "?", "[" …). Keys rest while
// somebody types, composes with an input method, holds Ctrl/Alt/Meta, or a modal dialog is open; and altogether
// when <html data-keys="off">. "mod+…" works always, also while typing.

const typing = (node) => node.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(node.tagName) &&
  !/^(checkbox|radio|button|submit|reset)$/.test(node.type);

export const resting = (event) =>
  event.defaultPrevented || event.isComposing || event.keyCode === 229 || event.repeat && event.key === "Enter";

export const modalOpen = () => document.querySelector("dialog:modal") !== null;

export const singleKeysOn = () => document.documentElement.dataset.keys !== "off";

const visible = (node) => node.checkVisibility ? node.checkVisibility() : node.offsetParent !== null;

/** The element a key belongs to: the open dialog's or drawer's first, then the page's. */
const owner = (key) => {
  const scope = document.querySelector("dialog:modal");
  const inDrawer = scope ? [] : [...document.querySelectorAll("#drawer[open] [data-key]")];
  const all = [...inDrawer, ...(scope ?? document).querySelectorAll("[data-key]")];
  return all.find((node) => node.dataset.key === key && visible(node) && node.getAttribute("aria-disabled") !== "true");
};

const press = (node) => {
  if (typing(node)) { node.focus(); node.select?.(); return; }
  node.click();
};

document.addEventListener("keydown", (event) => {
  if (resting(event)) return;
  if ((event.ctrlKey || event.metaKey) && !event.altKey) {
    const node = owner(`mod+${event.key.toLowerCase()}`);
    if (node) { event.preventDefault(); press(node); }
    return;
  }
  if (event.altKey || event.metaKey || modalOpen() || !singleKeysOn() || typing(event.target)) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key.toLowerCase().replace("escape", "esc");
  const onControl = event.target.closest?.("button, a, summary, input, [role=button]");
  if (onControl && (key === "enter" || key === " ")) return;
  const node = owner(key === " " ? "space" : key);
  if (node) { event.preventDefault(); press(node); return; }
  if (key === "?") { event.preventDefault(); document.querySelector("[data-open=keys]") && openKeys(); }
});

/** The help lists what this page offers, in the page's own words. */
const openKeys = () => {
  const dialog = document.getElementById("keys");
  const list = dialog?.querySelector("[data-keys-here]");
  if (!list) return;
  const seen = new Set();
  list.replaceChildren();
  for (const node of document.querySelectorAll("[data-key]")) {
    const key = node.dataset.key;
    if (seen.has(key) || dialog.contains(node) || !visible(node)) continue;
    seen.add(key);
    const cap = document.createElement("kbd");
    cap.textContent = node.querySelector("kbd")?.textContent ?? key.toUpperCase();
    const term = document.createElement("dt");
    term.append(cap);
    const words = document.createElement("dd");
    words.textContent = node.getAttribute("aria-label") ?? node.querySelector("span")?.textContent ?? node.textContent;
    list.append(term, words);
  }
  list.closest("section").hidden = seen.size === 0;
  dialog.showModal();
};

document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-open=keys]");
  if (opener) { opener.closest("details")?.removeAttribute("open"); openKeys(); }
});

document.addEventListener("click", (event) => {
  const barred = event.target.closest?.("[aria-disabled=true]");
  if (barred?.matches("button, a")) { event.preventDefault(); event.stopImmediatePropagation(); }
}, true);

document.querySelector("[data-focus]")?.focus();
