// The case page: V marks every field seen, Shift and a digit turns one to "only claimed" and back, chosen reasons put
// their public words into the text, the button that fits what was entered becomes the solid one (Ctrl Enter), a button
// that cannot work yet says why, and the claim is prolonged while somebody works. Without scripts the server does it.

import { modalOpen, resting, singleKeysOn } from "./keys.js";

const RENEW_MS = 4 * 60_000;
const form = document.querySelector("[data-case]");
const needs = form.querySelector("[data-needs]");
const text = form.querySelector("[data-public-text]");
const counter = form.querySelector("[data-count]");
const button = (act) => form.querySelector(`[data-act=${act}]`);
const reasons = () => [...form.querySelectorAll("input[name=reasons]:checked")];
const claims = [...form.querySelectorAll("[data-claim]")];
const radios = (claim) => [...claim.querySelectorAll("input[type=radio]")];
const unchecked = () => claims.filter((claim) => !radios(claim).some((radio) => radio.checked));
const untold = () => claims.filter((claim) => claim.querySelector("[value=seen_otherwise]").checked && !claim.querySelector(".how select").value);
const mappedWords = needs.textContent.trim();
let active = Date.now();

const kinds = () => new Set(reasons().map((box) => box.dataset.kind));

/** Why this act would be refused now, as a key of the bar's words; "" when it can be sent. */
const missing = (act) => {
  const chosen = kinds();
  const second = reasons().some((box) => box.dataset.second);
  const note = form.elements.private_note.value.trim();
  if (act === "approve") return unchecked().length ? "checks" : untold().length ? "how" : "";
  if (act === "again") return chosen.has("RETRY") && chosen.size === 1 ? "" : "retry";
  if (act === "reject" && form.elements.task.value !== "appealed") {
    if (!chosen.has("FINAL") || chosen.size !== 1) return "final";
    return second && form.elements.task.value === "pending" ? "second" : "";
  }
  if (act === "hold") return note ? "" : "note";
  if (act === "second") return note || second ? "" : "note";
  return "";
};

const say = (why) => {
  needs.textContent = why ? needs.getAttribute(`data-text-${why}`) : mappedWords;
};

const focusOn = (why) => {
  const where = {
    checks: () => radios(unchecked()[0])[0],
    how: () => untold()[0].querySelector(".how select"),
    retry: () => form.querySelector("input[name=reasons][data-kind=RETRY]"),
    final: () => form.querySelector("input[name=reasons][data-kind=FINAL]"),
    second: () => button("second"),
    note: () => form.elements.private_note,
  }[why];
  where?.()?.focus();
};

/** The one solid button is the act that what was entered speaks for. */
const weigh = () => {
  const chosen = kinds();
  const act = chosen.has("FINAL") ? (reasons().some((box) => box.dataset.second) && button("second") ? "second" : "reject")
    : chosen.has("RETRY") && button("again") ? "again" : "approve";
  for (const one of form.querySelectorAll("[data-act]")) {
    one.classList.toggle("btn--go", one.dataset.act === act);
  }
  say(act === "approve" && unchecked().length && unchecked().length < claims.length ? "checks" : "");
  return act;
};

const fill = () => {
  const known = [...form.querySelectorAll("input[name=reasons]")].map((box) => box.dataset.public);
  let rest = text.value;
  for (const words of known) rest = rest.replace(words, "");
  text.value = (reasons().map((box) => box.dataset.public).join("") + rest.trim()).slice(0, text.maxLength);
  counter.textContent = text.value.length;
};

form.addEventListener("change", (event) => {
  if (event.target.name === "reasons") fill();
  weigh();
});
text.addEventListener("input", () => { counter.textContent = text.value.length; });

form.querySelector("[data-all-seen]")?.addEventListener("click", (event) => {
  event.preventDefault();
  for (const claim of claims) radios(claim)[0].checked = true;
  weigh();
});

form.addEventListener("submit", (event) => {
  const act = event.submitter?.dataset.act;
  const why = act ? missing(act) : "";
  if (!why) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  say(why);
  focusOn(why);
}, true);

document.addEventListener("keydown", (event) => {
  active = Date.now();
  if (resting(event) || modalOpen()) return;
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
    event.preventDefault();
    button(weigh())?.click();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || !singleKeysOn()) return;
  if (/^(TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.matches("input:not([type=radio], [type=checkbox])")) return;
  const digit = event.shiftKey && /^Digit([1-9])$/.exec(event.code);
  const claim = digit && claims[Number(digit[1]) - 1];
  if (!claim) return;
  event.preventDefault();
  const seen = radios(claim)[0], only = radios(claim).at(-1);
  (only.checked ? seen : only).checked = true;
  weigh();
});
document.addEventListener("pointerdown", () => { active = Date.now(); });

const renew = async () => {
  if (Date.now() - active > RENEW_MS * 2) return;
  const body = new URLSearchParams({
    csrf_token: form.elements.csrf_token.value, lease_token: form.elements.lease_token.value,
  });
  const answer = await fetch(form.dataset.lease, { method: "POST", body, headers: { Accept: "application/json" } }).catch(() => null);
  const until = document.querySelector("[data-lease-until]");
  if (!answer?.ok || !until) return;
  const facts = await answer.json();
  until.textContent = facts.words;
};
setInterval(renew, RENEW_MS);
weigh();
