// The editors of SOPs and of stages: parts dragged into another place, placeholders put where the cursor is.
"use strict";

// Sortable clones what it has put a style on, and a cloned style attribute is what our policy forbids.
function cloneBare(deep) {
  const style = this.style.cssText;
  this.removeAttribute("style");
  const copy = Element.prototype.cloneNode.call(this, deep);
  this.style.cssText = style;
  return copy;
}

function draggableSteps() {
  const steps = document.getElementById("steps");
  if (!steps || Sortable.get(steps)) return;
  Sortable.create(steps, {
    handle: ".grip", draggable: "[data-step]", animation: 120, forceFallback: true, fallbackTolerance: 4,
    scrollSensitivity: 80, bubbleScroll: true,
    onChoose: (event) => { event.item.cloneNode = cloneBare; },
    onEnd: (event) => {
      if (event.oldIndex !== event.newIndex) document.getElementById("in-order").click();
    },
  });
}

document.addEventListener("DOMContentLoaded", draggableSteps);
document.addEventListener("htmx:afterSettle", (event) => {
  if (!event.target.matches("[data-drafted]")) return;
  draggableSteps();
  event.target.dispatchEvent(new Event("input", { bubbles: true }));
});

document.addEventListener("click", (event) => {
  const chip = event.target.closest("[data-insert]");
  const area = chip && document.getElementById(chip.dataset.into);
  if (!area) return;
  area.setRangeText(chip.dataset.insert, area.selectionStart, area.selectionEnd, "end");
  area.focus();
  area.dispatchEvent(new Event("input", { bubbles: true }));
});
