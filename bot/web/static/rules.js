// The rules' pages: a word before unsaved edits are lost, pasted words split, the first wrong field in sight.
"use strict";

let changed = false;
document.addEventListener("input", (event) => {
  if (event.target.closest("[data-guard]")) changed = true;
});
document.addEventListener("submit", () => {
  changed = false;
});
window.addEventListener("beforeunload", (event) => {
  if (changed) event.preventDefault();
});

// Words pasted in one line are put one a line, as bot/web/rules/pasted_words.py splits them, and can be put back.
function wordsOf(text, sentences) {
  const between = sentences ? /[\t\v\f]/ : /[\t，、；;|｜\v\f]|(?<!\d),|,(?!\d)/;
  return text
    .split("\n")
    .flatMap((line) => line.split(between))
    .map((word) => word.trim())
    .filter(Boolean);
}

document.addEventListener("paste", (event) => {
  const area = event.target.closest && event.target.closest("textarea[data-words]");
  if (!area || !event.clipboardData) return;
  const text = event.clipboardData.getData("text/plain").replace(/\r\n?/g, "\n");
  const words = wordsOf(text, area.dataset.words === "sentences");
  if (words.length < 2 || words.join("\n") === text.trim()) return;
  event.preventDefault();
  const before = area.value;
  const start = area.selectionStart;
  const lead = start > 0 && before[start - 1] !== "\n" ? "\n" : "";
  const tail = area.selectionEnd < before.length && before[area.selectionEnd] !== "\n" ? "\n" : "";
  area.setRangeText(lead + words.join("\n") + tail, start, area.selectionEnd, "end");
  const said = area.closest(".field").querySelector("[data-said]");
  said.firstElementChild.textContent = said.closest("form").dataset.split.replace("{n}", words.length);
  said.hidden = false;
  said.querySelector("[data-undo]").onclick = () => {
    area.value = before.slice(0, start) + text + before.slice(start);
    said.hidden = true;
    area.dispatchEvent(new Event("input", { bubbles: true }));
    area.focus();
  };
  area.dispatchEvent(new Event("input", { bubbles: true }));
});

document.addEventListener("click", (event) => {
  const take = event.target.closest("[data-take]");
  const tag = document.querySelector("[data-tag]");
  if (!take || !tag) return;
  tag.value = take.dataset.take;
  tag.dispatchEvent(new Event("input", { bubbles: true }));
  tag.focus();
});

document.addEventListener("DOMContentLoaded", () => {
  const wrong = document.querySelector("[autofocus]");
  if (wrong) {
    wrong.focus();
    wrong.scrollIntoView({ block: "center" });
  }
});
