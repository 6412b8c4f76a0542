// The case page: V marks every field seen, Shift and a digit turns one to "only claimed" and back, chosen reasons put
// their public words into the text, the button that fits what was entered becomes the solid one (Ctrl Enter), a button
// that cannot work yet says why, and the claim is prolonged while somebody works. Without scripts the server does it.
// What follows a decision is put in place by onward.js, which calls `mount` for each new case.

import { modalOpen, resting, singleKeysOn } from "./keys.js";
import { ahead, send, watch } from "./onward.js";
import { mountViewers } from "./viewer.js";

const RENEW_MS = 4 * 60_000;
const IDENTITY = ["name", "hospital"];
let form, needs, text, counter, claims, mappedWords;
let active = Date.now();

const button = (act) => form.querySelector(`[data-act=${act}]`);
const reasons = () => [...form.querySelectorAll("input[name=reasons]:checked")];
const radios = (claim) => [...claim.querySelectorAll("input[type=radio]")];
const said = (claim) => radios(claim).find((radio) => radio.checked)?.value;
const unchecked = () => claims.filter((claim) => !said(claim));
const untold = () => claims.filter((claim) => said(claim) === "seen_otherwise" && !claim.querySelector(".how select").value);
const kinds = () => new Set(reasons().map((box) => box.dataset.kind));
const task = () => form.elements.task.value;

/** Whether the server will make a proposal of this approval or refusal (app/registrations/rules.py). */
const byRule = (act) => {
  if (task() !== "pending") return false;
  if (act === "reject") return reasons().some((box) => box.dataset.second);
  const until = form.elements.badge_valid_until.value;
  const unseen = claims.some((claim) => IDENTITY.includes(claim.dataset.field) && said(claim) === "claimed_only");
  return unseen || Boolean(until) && until < form.dataset.today;
};

/** Why this act would be refused now, as a key of the bar's words; "" when it can be sent. */
const missing = (act) => {
  const chosen = kinds();
  const note = form.elements.private_note.value.trim();
  const answer = task() === "appealed" && !text.value.trim() ? "answer" : "";
  if (act === "approve") return unchecked().length ? "checks" : untold().length ? "how" : answer;
  if (act === "again") return chosen.has("RETRY") && chosen.size === 1 ? "" : "retry";
  if (act === "reject") return task() === "appealed" ? answer : chosen.has("FINAL") && chosen.size === 1 ? "" : "final";
  if (act === "hold") return note ? "" : "note";
  if (act === "second") return note || reasons().some((box) => box.dataset.second) ? "" : "note";
  return "";
};

const say = (why) => { needs.textContent = why ? needs.getAttribute(`data-text-${why}`) : mappedWords; };

const focusOn = (why) => {
  const where = {
    checks: () => radios(unchecked()[0])[0],
    how: () => untold()[0].querySelector(".how select"),
    retry: () => form.querySelector("input[name=reasons][data-kind=RETRY]"),
    final: () => form.querySelector("input[name=reasons][data-kind=FINAL]"),
    note: () => form.elements.private_note,
    answer: () => text,
  }[why];
  where?.()?.focus();
};

/** The words of a button follow what it will do: decide, or propose to a second person. */
const name = (act) => {
  const words = button(act)?.querySelector("[data-second]");
  if (!words?.dataset.second) return;
  words.dataset.plain ??= words.textContent;
  words.textContent = byRule(act) ? words.dataset.second : words.dataset.plain;
};

/** The one solid button is the act that what was entered speaks for. */
const weigh = () => {
  const chosen = kinds();
  const act = chosen.has("FINAL") ? "reject" : chosen.has("RETRY") && button("again") ? "again" : "approve";
  for (const one of form.querySelectorAll("[data-act]")) one.classList.toggle("btn--go", one.dataset.act === act);
  name("approve");
  name("reject");
  const partly = act === "approve" && unchecked().length && unchecked().length < claims.length;
  say(partly ? "checks" : act === "approve" && byRule("approve") ? "rule" : act === "reject" && byRule("reject") ? "forgery" : "");
  return act;
};

const fill = () => {
  const known = [...form.querySelectorAll("input[name=reasons]")].map((box) => box.dataset.public);
  let rest = text.value;
  for (const words of known) rest = rest.replace(words, "");
  text.value = (reasons().map((box) => box.dataset.public).join("") + rest.trim()).slice(0, text.maxLength);
  counter.textContent = text.value.length;
};

const onSubmit = (event) => {
  const act = event.submitter?.dataset.act;
  const why = act ? missing(act) : "";
  if (why) {
    event.preventDefault();
    event.stopImmediatePropagation();
    say(why);
    focusOn(why);
    return;
  }
  send(event, mount);
};

/** Take over the case form that stands in the page now. */
function mount() {
  form = document.querySelector("[data-case]");
  if (!form) return;
  needs = form.querySelector("[data-needs]");
  text = form.querySelector("[data-public-text]");
  counter = form.querySelector("[data-count]");
  claims = [...form.querySelectorAll("[data-claim]")];
  mappedWords = needs.textContent.trim();
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
  form.addEventListener("submit", onSubmit, true);
  active = Date.now();
  mountViewers();
  weigh();
  ahead(form);
}

document.addEventListener("keydown", (event) => {
  active = Date.now();
  if (!form?.isConnected || resting(event) || modalOpen()) return;
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
  if (!form?.isConnected || Date.now() - active > RENEW_MS * 2) return;
  const body = new URLSearchParams({
    csrf_token: form.elements.csrf_token.value, lease_token: form.elements.lease_token.value,
  });
  const answer = await fetch(form.dataset.lease, { method: "POST", body, headers: { Accept: "application/json" } }).catch(() => null);
  const until = document.querySelector("[data-lease-until]");
  if (!answer?.ok || !until) return;
  until.textContent = (await answer.json()).words;
};
setInterval(renew, RENEW_MS);
watch(() => form);
mount();
