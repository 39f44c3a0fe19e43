// The customer's page: begins at the newest words, keeps its place when earlier ones come, shows why a tag is there.
"use strict";

const pane = () => document.querySelector(".spoken");

function toTheEnd() {
  const talk = pane();
  if (talk && !location.hash) talk.scrollTop = talk.scrollHeight;
}

document.addEventListener("DOMContentLoaded", () => {
  toTheEnd();
  goTo(location.hash);
});

// Earlier messages are put in above; newer ones below, and who reads the newest stays with them.
let place = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const talk = pane();
  if (!talk?.contains(event.detail.target)) return;
  const above = event.detail.target.classList.contains("earlier");
  const atEnd = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 80;
  place = above ? { fromEnd: talk.scrollHeight - talk.scrollTop } : atEnd && event.detail.target.classList.contains("newer") ? { fromEnd: talk.clientHeight } : null;
});
document.addEventListener("htmx:afterSwap", () => {
  const talk = pane();
  if (place && talk) talk.scrollTop = talk.scrollHeight - place.fromEnd;
  place = null;
});

// Nobody looks: nothing is asked for.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.detail.elt.classList.contains("newer")) event.preventDefault();
});

// What stands beside is drawn again after every action, but never while somebody is writing in it.
let owed = false;
const writing = () => {
  const field = document.activeElement;
  return Boolean(field?.closest("#aside")) && field.matches("textarea, input:not([type=hidden])") && field.value !== field.defaultValue;
};
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.id !== "aside" || !writing()) return;
  event.preventDefault();
  owed = true;
});
document.addEventListener("focusout", () => setTimeout(() => {
  if (!owed || writing()) return;
  owed = false;
  htmx.trigger(document.body, "customer-changed");
}, 300));
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful && event.detail.elt.matches(".note-form")) event.detail.elt.reset();
});

// Why a tag is there: by its chip or by the marked words; a second press closes it.
function show(chip, open) {
  for (const other of chip.parentElement.querySelectorAll("[data-why]")) other.setAttribute("aria-expanded", open ? "true" : "false");
}
document.addEventListener("htmx:confirm", (event) => {
  const chip = event.target;
  if (!chip.matches?.("[data-why]")) return;
  const panel = document.getElementById(chip.getAttribute("aria-controls"));
  const open = panel.childElementCount > 0;
  show(chip, !open);
  if (!open) return;
  event.preventDefault();
  panel.replaceChildren();
});
document.addEventListener("click", (event) => {
  const mark = event.target.closest(".talk mark");
  if (mark) mark.closest(".line").querySelector("[data-why]")?.click();
  const tab = event.target.closest("[data-show]");
  if (tab) turnTo(tab.dataset.show);
  const link = event.target.closest("[data-goto]");
  if (link) {
    event.preventDefault();
    goTo(link.getAttribute("href"));
  }
});

function turnTo(name) {
  document.querySelector(".sides").dataset.shown = name;
  for (const tab of document.querySelectorAll("[data-show]")) tab.setAttribute("aria-selected", tab.dataset.show === name ? "true" : "false");
  if (name === "talk") toTheEnd();
}

function goTo(hash) {
  const line = hash.length > 1 ? document.getElementById(hash.slice(1)) : null;
  if (!line) return;
  turnTo("talk");
  line.scrollIntoView({ block: "center" });
  line.classList.add("found");
  setTimeout(() => line.classList.remove("found"), 2500);
}
