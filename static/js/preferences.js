// The reader's choices apply at once and are kept by the server: <form data-preference="theme" method="post">.
// Without this module the same forms are plain posts. The language needs a new page and is always one.

document.addEventListener("submit", (event) => {
  const form = event.target;
  const name = form.dataset.preference;
  if (!name || name === "lang" || !event.submitter) return;
  event.preventDefault();
  const { value } = event.submitter;
  const root = document.documentElement;
  root.dataset[name] = value;
  if (name === "theme") root.dataset.bsTheme = value === "dark" ? "dark" : "light";
  for (const button of form.querySelectorAll("[aria-pressed]")) {
    button.setAttribute("aria-pressed", String(button === event.submitter));
  }
  const body = new FormData(form);
  body.set(name, value);
  fetch(form.action, { method: "POST", body, headers: { "HX-Request": "true" }, credentials: "same-origin" })
    .then((answer) => { if (!answer.ok && !answer.redirected) form.submit(); });
  if (name === "nav") form.querySelector(value === "slim" ? "[value=wide]" : "[value=slim]")?.focus();
});
