// Drafts of a job's forms: fields marked data-draft (tests, parts, serials, what was done) survive a reload and a lost
// connection. A field that may hold a person is never marked: no contact, no signer, no signature. A draft belongs to
// one version of its ticket and goes as soon as the ticket has moved on, after a week, and with the window.

const HEAD = "job-draft:";
const WEEK = 7 * 86_400_000;
const shelf = (() => { try { return globalThis.sessionStorage; } catch { return null; } })();

const keyOf = (form) => `${HEAD}${form.dataset.draftOf}:${form.dataset.draftVersion}:${form.dataset.draftAct}`;
const fieldsOf = (form) => [...form.querySelectorAll("[data-draft]")];
const read = (key) => { try { return JSON.parse(shelf.getItem(key)); } catch { return null; } };

const sweep = () => {
  const page = document.querySelector("[data-draft-of]");
  const living = page ? `${HEAD}${page.dataset.draftOf}:${page.dataset.draftVersion}:` : "";
  const same = page ? `${HEAD}${page.dataset.draftOf}:` : "";
  for (const key of Object.keys(shelf).filter((name) => name.startsWith(HEAD))) {
    const old = !(read(key)?.at > Date.now() - WEEK);
    if (old || (same && key.startsWith(same) && !key.startsWith(living))) shelf.removeItem(key);
  }
};

const keep = (form) => {
  const values = fieldsOf(form).map((field) => (field.type === "radio" || field.type === "checkbox" ? field.checked : field.value));
  try { shelf.setItem(keyOf(form), JSON.stringify({ at: Date.now(), values })); } catch { /* full: the page still works */ }
};

const restore = (form) => {
  const held = read(keyOf(form));
  const fields = fieldsOf(form);
  if (held?.values?.length !== fields.length || form.querySelector("[role=alert]")) return;
  fields.forEach((field, place) => {
    if (field.type === "radio" || field.type === "checkbox") field.checked = held.values[place];
    else field.value = held.values[place];
  });
};

if (shelf) {
  sweep();
  for (const form of document.querySelectorAll("form[data-draft-act]")) {
    restore(form);
    form.addEventListener("input", () => keep(form));
    form.addEventListener("change", () => keep(form));
  }
}
