// The tasks page: the list waits with renewing itself while somebody chooses from a menu; one menu is open at a time.
"use strict";

const OPEN = "#desk .menu[open]";

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.id === "desk" && document.querySelector(OPEN)) event.preventDefault();
});

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(".menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll(".menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// What was changed from a menu is to be seen: it closes, so that the list renews itself.
document.addEventListener("day-changed", () => {
  for (const menu of document.querySelectorAll(OPEN)) menu.open = false;
}, true);
