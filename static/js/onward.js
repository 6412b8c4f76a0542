// From one case to the next without loading a page anew: the answer to a decision is the next case, put in place of
// the old one; the case after it is claimed ahead and its badge loaded while the present one is looked at, and handed
// back when the page is left. While a case is open, the page asks now and then whether somebody changed it.

const PULSE_MS = 20_000;
let next = null;  // {number, images: Map(url → <img>)}
let sending = false;

const absolute = (url) => new URL(url, location.href).href;

/** Claim what comes after this case and load its images, each an audited view like any other. */
export const ahead = async (form) => {
  const body = new URLSearchParams({ csrf_token: form.elements.csrf_token.value });
  const answer = await fetch(form.dataset.ahead, { method: "POST", body }).catch(() => null);
  if (answer?.status !== 200 || !form.isConnected) return;
  const facts = await answer.json();
  if (next?.number === facts.number) return;
  const load = (url) => { const image = new Image(); image.src = url; return [absolute(url), image]; };
  next = { number: facts.number, images: new Map(facts.images.map(load)), form };
};

/** Keep the places of images that are here already; they are put in once the page stands, or they would load anew. */
const reserve = (page) => [...page.querySelectorAll("[data-viewer-stage] img")].flatMap((image) => {
  const ready = next?.images.get(absolute(image.getAttribute("src")));
  if (!ready || ready.complete && ready.naturalWidth === 0) return [];
  const mark = page.ownerDocument.createElement("i");
  ready.alt = image.alt;
  image.replaceWith(mark);
  return [[mark, ready]];
});

const put = (html, url) => {
  const page = new DOMParser().parseFromString(html, "text/html");
  const main = page.getElementById("main");
  if (!main) return false;
  const reserved = reserve(main);
  next = null;
  document.title = page.title;
  document.getElementById("main").replaceWith(document.adoptNode(main));
  for (const [mark, ready] of reserved) mark.replaceWith(ready);
  const toasts = document.getElementById("toasts");
  toasts.replaceChildren(...page.querySelectorAll("#toasts > *"));
  if (url && absolute(url) !== location.href) history.pushState(null, "", url);
  document.querySelector("#main [data-focus]")?.focus() ?? document.getElementById("main").focus({ preventScroll: true });
  return true;
};

/** Send the form by hand; on any doubt the browser does it in its own way. */
export const send = async (event, mount) => {
  const { target: form, submitter } = event;
  if (!window.fetch || !submitter) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (sending) return;
  sending = true;
  submitter.setAttribute("aria-busy", "true");
  const url = submitter.getAttribute("formaction") || form.action;
  const body = new URLSearchParams(new FormData(form, submitter));
  try {
    const answer = await fetch(url, { method: "POST", body, headers: { "X-Onward": "1" }, redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.status === 401) { location.reload(); return; }
    if (answer.headers.get("Content-Type")?.startsWith("application/json")) {
      next = null;
      location.assign((await answer.json()).go);
      return;
    }
    if (!put(await answer.text(), answer.headers.get("Content-Location"))) throw new Error("no page");
    mount();
  } catch {
    const offline = document.getElementById("toast-offline");
    if (offline) document.getElementById("toasts").append(offline.content.cloneNode(true));
  } finally {
    sending = false;
    submitter.removeAttribute("aria-busy");
  }
};

/** Who changed it, when and how, above the fields; what is typed stays. */
export const watch = (current) => {
  const ask = async () => {
    const form = current();
    if (!form?.isConnected || document.hidden || sending) return;
    const answer = await fetch(form.dataset.pulse).catch(() => null);
    if (answer?.status !== 200 || !form.isConnected) return;
    const facts = await answer.json();
    const news = form.querySelector("[data-news]");
    const words = news.querySelector("[data-news-words]");
    words.textContent = words.dataset.text.replace(/\{(\w+)\}/g, (_all, name) => facts[name] ?? "").trim();
    news.hidden = false;
  };
  setInterval(ask, PULSE_MS);
  document.addEventListener("visibilitychange", ask);
  addEventListener("focus", ask);
};

addEventListener("popstate", () => location.reload());

addEventListener("pagehide", () => {
  const form = next?.form;
  if (!form) return;
  const body = new URLSearchParams({ csrf_token: form.elements.csrf_token.value });
  navigator.sendBeacon(form.dataset.unused, body);
});
