// One POST at a time: a sent form says aria-busy and refuses a second send; htmx requests mark their target after
// 300 ms, and a failed one is told in the page's own words.

const SHOW_AFTER = 300;
const waiting = new WeakMap();

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  if (form.hasAttribute("data-preference") || form.hasAttribute("hx-post")) return;
  form.dataset.sent = "1";
  event.submitter?.setAttribute("aria-busy", "true");
});

// Back and forward: the page comes from the cache as it was left.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const node of document.querySelectorAll("[aria-busy=true]")) node.removeAttribute("aria-busy");
});

document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt, target } = event.detail;
  if (elt.tagName === "FORM" && elt.getAttribute("aria-busy") === "true") { event.preventDefault(); return; }
  if (elt.tagName === "FORM") elt.setAttribute("aria-busy", "true");
  waiting.set(elt, setTimeout(() => target?.setAttribute("aria-busy", "true"), SHOW_AFTER));
});

document.addEventListener("htmx:afterRequest", (event) => {
  const { elt, target } = event.detail;
  clearTimeout(waiting.get(elt));
  elt.removeAttribute("aria-busy");
  target?.removeAttribute("aria-busy");
});

const tell = (content) => document.getElementById("toasts")?.append(content);

document.addEventListener("htmx:responseError", (event) => {
  const page = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
  const toast = page.querySelector("[data-toast]");
  if (toast) tell(document.importNode(toast, true)); else offline();
});

const offline = () => {
  const template = document.getElementById("toast-offline");
  if (template) tell(template.content.cloneNode(true));
};

document.addEventListener("htmx:sendError", offline);
document.addEventListener("htmx:timeout", offline);
