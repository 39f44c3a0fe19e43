// The search over everything (/) and the list of keys (?): opened from anywhere but a field, walked by arrows.
"use strict";

(() => {
  const finder = document.getElementById("finder");
  const keys = document.getElementById("keys");
  if (!finder || !keys) return;
  const field = finder.querySelector("input");
  const writing = (one) => one.closest("input, textarea, select, [contenteditable]");

  function open(dialog) {
    if (document.querySelector("dialog[open]")) return;
    dialog.showModal();
    if (dialog === finder) field.select();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || writing(event.target)) return;
    if (event.key === "/") open(finder);
    else if (event.key === "?") open(keys);
    else return;
    event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-find]")) open(finder);
    else if (event.target === finder || event.target === keys) event.target.close();
  });

  finder.addEventListener("keydown", (event) => {
    const found = [...finder.querySelectorAll("#finder-found a")];
    if (event.isComposing || !found.length) return;
    const at = found.indexOf(document.activeElement);
    if (event.key === "Enter" && event.target === field) found[0].click();
    else if (event.key === "ArrowDown") found[Math.min(at + 1, found.length - 1)].focus();
    else if (event.key === "ArrowUp") (at > 0 ? found[at - 1] : field).focus();
    else return;
    event.preventDefault();
  });
})();
