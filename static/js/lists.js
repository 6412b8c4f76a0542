// The columns dialog: an arrow moves its row at once and keeps the focus; without this module it is a post.

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-column-list] button[name=up], [data-column-list] button[name=down]");
  if (!button) return;
  event.preventDefault();
  const row = button.closest("li");
  const other = button.name === "up" ? row.previousElementSibling : row.nextElementSibling;
  if (!other) return;
  button.name === "up" ? other.before(row) : other.after(row);
  button.focus();
});
