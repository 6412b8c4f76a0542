// The palette: Ctrl+K or / in the top bar. The server finds; here the arrows choose and Enter goes.

const dialog = document.getElementById("palette");
const input = dialog?.querySelector("input[name=q]");
const list = document.getElementById("palette-list");

const options = () => [...list.querySelectorAll("[data-url]")];
const chosen = () => list.querySelector("[aria-selected=true][data-url]");

const choose = (option) => {
  for (const other of options()) other.setAttribute("aria-selected", String(other === option));
  input.setAttribute("aria-activedescendant", option?.id ?? "");
  option?.scrollIntoView({ block: "nearest" });
};

const open = () => {
  if (dialog.open) return;
  input.value = "";
  dialog.showModal();
  window.htmx?.trigger(input, "palette-open");
};

const go = (option) => {
  if (!option) return;
  if (option.hasAttribute("data-post")) {
    const form = document.getElementById("palette-post");
    form.action = option.dataset.url;
    form.submit();
    return;
  }
  location.assign(option.dataset.url);
};

if (dialog) {
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k" && !event.isComposing) {
      event.preventDefault();
      open();
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-open=palette]")) open();
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    const all = options();
    const at = all.indexOf(chosen());
    if (event.key === "ArrowDown") { event.preventDefault(); choose(all[(at + 1) % all.length]); }
    if (event.key === "ArrowUp") { event.preventDefault(); choose(all[(at - 1 + all.length) % all.length]); }
    if (event.key === "Enter") { event.preventDefault(); go(chosen()); }
  });
  list.addEventListener("click", (event) => go(event.target.closest("[data-url]")));
  list.addEventListener("pointermove", (event) => {
    const option = event.target.closest("[data-url]");
    if (option && option !== chosen()) choose(option);
  });
  list.addEventListener("htmx:afterSwap", () => choose(options()[0]));
}
