// The customer list: the bar for deeds is there once somebody is chosen, and says how many that are.
"use strict";

const chosen = document.getElementById("chosen");
const bar = document.getElementById("deed");

function tellChosen() {
  const count = chosen.querySelectorAll("[name=id]:checked").length;
  const all = bar.querySelector("[name=all]");
  const words = bar.querySelector("[data-count]");
  bar.hidden = !count;
  words.textContent = all?.checked ? words.dataset.allText : words.dataset.text.replace("#", count);
  document.getElementById("deed-check").replaceChildren();
}

if (chosen && bar) {
  chosen.addEventListener("change", (event) => {
    if (event.target.matches("[data-all]")) {
      for (const box of chosen.querySelectorAll("[name=id]")) box.checked = event.target.checked;
    }
    if (event.target.matches("[name=id], [data-all], [name=all]")) tellChosen();
  });
  chosen.addEventListener("submit", (event) => event.preventDefault());
  if (chosen.querySelector("[name=id]:checked")) tellChosen();
}
