// Dialogs: <button data-open="id"> opens, data-close closes, a click beside a modal closes it, focus returns to the
// opener by itself. <a data-dialog> loads its address into the sheet. The drawer stands beside the list on a desk
// and is modal on a phone.

const byId = (id) => document.getElementById(id);
const phone = matchMedia("(max-width: 640px)");

export const openDrawer = (url, source) => {
  const drawer = byId("drawer");
  const opener = document.activeElement;
  window.htmx.ajax("GET", url, { target: "#drawer-body", swap: "innerHTML", source }).then(() => {
    if (!drawer.querySelector("*:not(#drawer-body)")) return;
    if (drawer.open) {
      if (source) drawer.returnTo = source; // moved on with j and k: closing stays at that row
    } else {
      drawer.returnTo = opener;
      phone.matches ? drawer.showModal() : drawer.show();
      if (!phone.matches && source) source.focus({ preventScroll: true });
    }
  });
};

const close = (dialog) => {
  dialog.close();
  const back = dialog.returnTo;
  dialog.returnTo = undefined;
  if (back?.isConnected && back !== document.body) back.focus();
};

document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-open]");
  if (opener && !["keys", "palette"].includes(opener.dataset.open)) {
    event.preventDefault();
    byId(opener.dataset.open)?.showModal();
    return;
  }
  const closer = event.target.closest?.("[data-close]");
  if (closer) { event.preventDefault(); close(closer.closest("dialog")); return; }
  if (event.target.matches?.("dialog:modal")) {
    const box = event.target.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) close(event.target);
    return;
  }
  const link = event.target.closest?.("a[data-dialog], a[data-drawer-link]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && window.htmx) {
    event.preventDefault();
    if (link.hasAttribute("data-drawer-link")) { openDrawer(link.href, link); return; }
    window.htmx.ajax("GET", link.href, { target: "#sheet-body", swap: "innerHTML" }).then(() => byId("sheet").showModal());
  }
});

// Esc closes the drawer that stands beside the page; modal dialogs do it themselves. Menus close likewise.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing || document.querySelector("dialog:modal")) return;
  const menu = document.querySelector("details[data-menu][open]");
  if (menu) { menu.open = false; menu.querySelector("summary").focus(); return; }
  const drawer = document.querySelector("#drawer[open]");
  if (drawer) { event.preventDefault(); close(drawer); }
});

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
