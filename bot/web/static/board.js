// The board: cards are dragged or sent by keys, columns stay live, and who looks elsewhere costs nothing.
"use strict";

const board = () => document.getElementById("board");
const ASK_EVERY = 3000; // where no stream is to be had
const TRY_STREAM_EVERY = 60000;
const ALL_EVERY = 60000; // what changes without a new row (ages, tags that expire)

// What has changed: a stream rings, or we ask ourselves; while a card is held nothing is swapped under the hand.
let held = false;
let rung = false;
let stream = null;
let asking = null;

function refresh() {
  if (document.hidden || !board()) return;
  rung = held;
  if (!held) htmx.trigger(board(), "refresh");
}

function refreshAll() {
  const at = board()?.querySelector("input[name=at]");
  if (at) at.value = "";
  refresh();
}

function ask(on) {
  if (on === (asking !== null)) return;
  if (on) {
    asking = setInterval(refresh, ASK_EVERY + Math.random() * 500);
    refresh();
  } else {
    clearInterval(asking);
    asking = null;
  }
}

function listen() {
  if (document.hidden || stream || !board()) return;
  const at = board().querySelector("input[name=at]").value;
  const mine = new EventSource(`${board().dataset.stream}?at=${encodeURIComponent(at)}`);
  stream = mine;
  mine.addEventListener("open", () => { ask(false); showLive(true); });
  mine.addEventListener("changed", refresh);
  mine.addEventListener("error", () => {
    if (stream !== mine) return;
    ask(true);
    if (mine.readyState === EventSource.CLOSED) stream = null;
  });
}

function rest() {
  stream?.close();
  stream = null;
  ask(false);
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) rest();
  else { refreshAll(); listen(); }
});
window.addEventListener("pagehide", rest);

function showLive(on) {
  const sign = document.querySelector("[data-live]");
  if (!sign || sign.classList.contains("off") === !on) return;
  sign.classList.toggle("off", !on);
  sign.textContent = on ? sign.dataset.on : sign.dataset.off;
}

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.elt === board()) showLive(event.detail.successful);
});

// How many cards of each column we have, so that a fresh column does not shrink.
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt !== board()) return;
  for (const cards of board().querySelectorAll(".cards")) {
    const count = cards.querySelectorAll(".card").length;
    if (count > 20) event.detail.parameters.append("shown", `${count}~${cards.dataset.stage}`);
  }
});

// htmx lets a fresh card begin with the attributes of the old one; what dragging left in `style` must not go along.
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target } = event.detail;
  for (const card of target.querySelectorAll(".card[style]")) card.removeAttribute("style");
  target.dataset.scrolled = `${target.scrollLeft} ${target.scrollTop}`; // empty for a moment, it would forget
});
document.addEventListener("htmx:oobAfterSwap", (event) => {
  const { target } = event.detail;
  if (target.dataset.scrolled) target.scrollTo(...target.dataset.scrolled.split(" ").map(Number));
});

// Moving a card. The server says no by status 409 and in words; then the card goes back to where it was.
function send(card, to, undo) {
  const address = document.getElementById("mover").dataset.move.replace("/0/", `/${card.dataset.customer}/`);
  const values = { pipeline: board().dataset.pipeline, to, serial: card.dataset.serial };
  const source = document.getElementById("content");
  const settled = (event) => {
    if (event.detail.pathInfo.requestPath !== address) return;
    source.removeEventListener("htmx:afterRequest", settled);
    if (!event.detail.successful) undo();
    refresh();
  };
  source.addEventListener("htmx:afterRequest", settled);
  htmx.ajax("POST", address, { source, values, swap: "none" }).catch(() => {});
}

document.addEventListener("card-moved", () => refresh());

// What a move would start and stop is told before it is made: in the menu, and while a card is held over a column.
let outlook = {};

async function askOutlook(card) {
  outlook = {};
  const address = document.getElementById("mover").dataset.outlook.replace("/0/", `/${card.dataset.customer}/`);
  const answer = await fetch(address, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (answer?.ok) outlook = await answer.json();
}

function tellOutlook(stage) {
  const place = document.getElementById("outlook");
  place.textContent = (stage && outlook[stage]) || "";
  place.hidden = !place.textContent;
}

function hold(on) {
  held = on;
  if (!on) tellOutlook("");
  board().classList.toggle("dragging", on);
  if (!on && rung) refresh();
}

// Sortable clones the card it has put a style on, and a cloned style attribute is what our policy forbids.
function cloneBare(deep) {
  const style = this.style.cssText;
  this.removeAttribute("style");
  const copy = Element.prototype.cloneNode.call(this, deep);
  this.style.cssText = style;
  return copy;
}

function columnUnder({ clientX, clientY }) {
  return document.elementsFromPoint(clientX, clientY).map((one) => one.closest("#board .cards")).find(Boolean);
}

// Sortable does not say that a card is back over the column it came from.
let origin = null;
document.addEventListener("pointermove", (event) => {
  if (!origin) return;
  const under = columnUnder(event);
  tellOutlook(under && under.dataset.stage !== origin ? under.dataset.stage : "");
});

// Sortable looks where the pointer is every 50 ms only: a quick hand lets go over a column the card has not reached yet.
function dropped(event, item) {
  const under = columnUnder(event.originalEvent.changedTouches?.[0] ?? event.originalEvent);
  if (!under || under === event.to) return event.to;
  const column = under.hasAttribute("data-open") ? under : event.from;
  const next = column === event.from ? column.querySelectorAll(".card")[event.oldDraggableIndex] : column.firstChild;
  if (item.parentElement !== column) column.insertBefore(item, next ?? null);
  return column;
}

function draggable(cards) {
  if (!board().hasAttribute("data-moves") || Sortable.get(cards)) return;
  const into = cards.hasAttribute("data-open");
  Sortable.create(cards, {
    group: { name: "board", put: into }, sort: false, draggable: ".card", filter: ".card-menu", preventOnFilter: false,
    forceFallback: true, fallbackOnBody: true, fallbackTolerance: 4, delay: 180, delayOnTouchOnly: true, animation: 120,
    scrollSensitivity: 60, bubbleScroll: true,
    onChoose: (event) => { event.item.cloneNode = cloneBare; },
    onStart: (event) => { hold(true); origin = event.from.dataset.stage; askOutlook(event.item); },
    onEnd: (event) => {
      origin = null;
      hold(false);
      const { item, from } = event;
      const to = dropped(event, item);
      if (from === to) return;
      const before = from.querySelectorAll(".card")[event.oldDraggableIndex] ?? null;
      send(item, to.dataset.stage, () => {
        item.remove(); // the column may have been drawn anew meanwhile: then it is there already
        if (!document.getElementById(item.id)) from.insertBefore(item, before);
      });
    },
  });
}

// By keys: arrows go from card to card, M or the card's button asks where to.
let moving = null;

function askWhere(card) {
  const mover = document.getElementById("mover");
  if (!mover || !card) return;
  moving = card;
  const title = document.getElementById("mover-title");
  title.textContent = title.dataset.text.replace("{name}", card.dataset.name.slice(0, 30));
  for (const choice of mover.querySelectorAll(".choice")) choice.disabled = choice.value === card.dataset.stage;
  for (const then of mover.querySelectorAll("[data-then]")) then.textContent = "";
  askOutlook(card).then(() => {
    for (const choice of mover.querySelectorAll(".choice:not(:disabled)")) {
      choice.querySelector("[data-then]").textContent = outlook[choice.value] || "";
    }
  });
  hold(true);
  mover.showModal();
  mover.querySelector(".choice:not(:disabled)")?.focus();
}

function chosen(stage) {
  document.getElementById("mover").close();
  const target = [...board().querySelectorAll(".cards")].find((cards) => cards.dataset.stage === stage);
  const [card, from, next] = [moving, moving.parentElement, moving.nextSibling];
  target?.prepend(card);
  card.querySelector(".card-link").focus();
  send(card, stage, () => { card.remove(); if (!document.getElementById(card.id)) from.insertBefore(card, next); });
}

document.addEventListener("click", (event) => {
  const mover = document.getElementById("mover");
  if (event.target.closest("[data-mover]")) askWhere(event.target.closest(".card"));
  else if (event.target.closest("#mover .choice")) chosen(event.target.closest(".choice").value);
  else if (event.target.closest("#mover [data-close]") || event.target === mover) mover.close();
});

function neighbour(card, key) {
  const cards = [...card.parentElement.querySelectorAll(".card")];
  if (key === "ArrowDown" || key === "ArrowUp") return cards[cards.indexOf(card) + (key === "ArrowDown" ? 1 : -1)];
  const columns = [...board().querySelectorAll(".cards")].filter((one) => one.querySelector(".card"));
  const beside = columns[columns.indexOf(card.parentElement) + (key === "ArrowRight" ? 1 : -1)];
  return beside?.querySelectorAll(".card")[Math.min(cards.indexOf(card), beside.querySelectorAll(".card").length - 1)];
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const choice = event.target.closest("#mover .choice");
  const card = event.target.closest(".card");
  if (choice && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    const open = [...document.querySelectorAll("#mover .choice:not(:disabled)")];
    open[(open.indexOf(choice) + (event.key === "ArrowDown" ? 1 : open.length - 1)) % open.length].focus();
  } else if (card && event.key.toLowerCase() === "m") {
    event.preventDefault();
    askWhere(card);
  } else if (card && event.key.startsWith("Arrow")) {
    const next = neighbour(card, event.key);
    if (!next) return;
    event.preventDefault();
    next.querySelector(".card-link").focus();
    next.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
});

// A phone shows one column at a time: begin where somebody is, not at an empty one.
function toSomebody() {
  const columns = [...board().querySelectorAll(".column")];
  const first = columns.find((column) => column.querySelector(".card"));
  if (first && first !== columns[0] && matchMedia("(max-width: 720px)").matches) board().scrollLeft = first.offsetLeft - 12;
}

function wake() {
  if (board() && !location.hash) toSomebody();
  for (const cards of document.querySelectorAll("#board .cards")) draggable(cards);
  document.getElementById("mover")?.addEventListener("close", () => hold(false));
  listen();
  setInterval(refreshAll, ALL_EVERY + Math.random() * 5000);
  setInterval(listen, TRY_STREAM_EVERY);
}

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target === board()) toSomebody();
  for (const cards of document.querySelectorAll("#board .cards")) draggable(cards);
});
document.addEventListener("DOMContentLoaded", wake);
