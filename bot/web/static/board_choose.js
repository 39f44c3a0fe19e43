// Choosing several cards of the board, for what is done to all of them at once.
"use strict";

const picked = new Set(); // columns are drawn anew while somebody chooses: what is ticked is kept here
const chooser = document.getElementById("choose");
const deedBar = document.getElementById("deed");

function tellPicked() {
  const words = deedBar.querySelector("[data-count]");
  words.textContent = words.dataset.text.replace("#", picked.size);
  deedBar.hidden = !picked.size;
  document.getElementById("deed-check").replaceChildren();
}

function showPicked() {
  const on = chooser.getAttribute("aria-pressed") === "true";
  board()?.classList.toggle("choosing", on);
  for (const box of document.querySelectorAll("#board .pick input")) box.checked = picked.has(box.value);
  for (const cards of document.querySelectorAll("#board .cards")) Sortable.get(cards)?.option("disabled", on);
}

chooser.addEventListener("click", () => {
  const on = chooser.getAttribute("aria-pressed") !== "true";
  chooser.setAttribute("aria-pressed", String(on));
  if (!on) picked.clear();
  showPicked();
  tellPicked();
});

document.addEventListener("change", (event) => {
  if (!event.target.matches("#board .pick input")) return;
  if (event.target.checked) picked.add(event.target.value);
  else picked.delete(event.target.value);
  tellPicked();
});

// A card that is no longer on the board (moved out of the filter, beyond the first page) stays chosen and counted:
// what is sent are the kept numbers, not the boxes that happen to be drawn.
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.detail.elt.closest("#deed") || event.detail.verb !== "post") return;
  event.detail.formData.delete("id");
  for (const number of picked) event.detail.formData.append("id", number);
});

document.getElementById("chosen").addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("htmx:afterSettle", showPicked);
document.addEventListener("htmx:oobAfterSwap", showPicked);
