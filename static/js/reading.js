// The page of a second reading: V marks every field seen, and the task is prolonged while somebody works.
// Without scripts the fields are ticked one by one; everything else is plain form posts.

const RENEW_MS = 4 * 60_000;
const form = document.querySelector("[data-reading]");
let active = Date.now();

form.querySelector("[data-all-seen]").addEventListener("click", () => {
  for (const claim of form.querySelectorAll(".claim")) claim.querySelector("input[type=radio]").checked = true;
});
for (const sign of ["keydown", "pointerdown"]) document.addEventListener(sign, () => { active = Date.now(); });

const renew = async () => {
  if (Date.now() - active > RENEW_MS * 2) return;
  const body = new URLSearchParams({ csrf_token: form.elements.csrf_token.value });
  const answer = await fetch(form.dataset.renew, { method: "POST", body, headers: { Accept: "application/json" } }).catch(() => null);
  const until = form.querySelector("[data-lease-until]");
  if (answer?.ok && until) until.textContent = (await answer.json()).words;
};
setInterval(renew, RENEW_MS);
