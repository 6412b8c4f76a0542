// The week board. A dragged card goes back to where it was: the drop is a POST of the form that stands on the page (or
// the sheet of 移动到 where a reason is asked for), and the answer is the board as it is then. While a tab is not
// looked at, it does not ask for changes.

const form = document.getElementById("bd-drop");

const post = (card, to) => {
  form.action = card.dataset.move;
  form.elements.version.value = card.dataset.version;
  form.elements.assignee_id.value = to.dataset.lane;
  form.elements.when.value = to.dataset.when;
  form.requestSubmit();
};

const ask = (card, to) => {
  const url = new URL(card.dataset.ask, location.href);
  url.searchParams.set("assignee_id", to.dataset.lane);
  url.searchParams.set("when", to.dataset.when);
  url.searchParams.set("back", form.elements.back.value);
  window.htmx.ajax("GET", url.href, { target: "#sheet-body", swap: "innerHTML" })
    .then(() => document.getElementById("sheet").showModal());
};

const dropped = ({ item, from, to, oldDraggableIndex }) => {
  const card = item.matches("[data-card]") ? item : item.querySelector("[data-card]");
  if (from === to || !card) return;
  const cards = from.querySelectorAll(":scope > [data-card], :scope > li");
  from.insertBefore(item, cards[oldDraggableIndex] ?? from.firstChild);
  if (card.dataset.ask) ask(card, to); else post(card, to);
};

const begin = () => {
  const board = document.querySelector(".bd");
  if (!board || !window.Sortable || matchMedia("(max-width: 640px)").matches) return;
  for (const lane of board.querySelectorAll("[data-lane]")) {
    const pool = lane.dataset.lane === "pool";
    window.Sortable.create(lane, {
      group: { name: "board", put: !pool }, sort: false, draggable: pool ? "li" : "[data-card]",
      animation: 0, ghostClass: "is-ghost", chosenClass: "is-lifted", delay: 150, delayOnTouchOnly: true,
      onStart: () => board.classList.add("is-dragging"),
      onEnd: (event) => { board.classList.remove("is-dragging"); dropped(event); },
    });
  }
  board.dataset.ready = "1";
};

document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.detail.elt.hasAttribute("data-visible-only")) event.preventDefault();
});

document.querySelector(".bd-pool [aria-current]")?.scrollIntoView({ block: "nearest" });
if (document.readyState === "complete") begin(); else addEventListener("load", begin);
