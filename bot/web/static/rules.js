// The rules' pages: line numbers and marks beside the file, a jump to a wrong line, a word before unsaved edits are lost.
"use strict";

function number(editor) {
  const area = editor.querySelector("textarea");
  const gutter = editor.querySelector(".gutter");
  const bad = new Set((area.dataset.bad || "").split(",").filter(Boolean).map(Number));
  const count = area.value.split("\n").length;
  gutter.replaceChildren();
  let run = [];
  const flush = () => {
    if (run.length) gutter.append(run.join("\n") + "\n");
    run = [];
  };
  for (let line = 1; line <= count; line += 1) {
    if (bad.has(line)) {
      flush();
      const mark = document.createElement("span");
      mark.className = "bad";
      mark.textContent = line;
      gutter.append(mark);
    } else {
      run.push(line);
    }
  }
  flush();
  gutter.append("\n\n\n");
  gutter.scrollTop = area.scrollTop;
}

function jump(area, line, column) {
  const lines = area.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
  area.focus();
  area.setSelectionRange(start + Math.max(0, column - 1), start + (lines[line - 1] || "").length);
  area.scrollTop = Math.max(0, (line - 5) * (area.scrollHeight / lines.length));
}

document.addEventListener("DOMContentLoaded", () => {
  for (const editor of document.querySelectorAll(".editor")) {
    const area = editor.querySelector("textarea");
    number(editor);
    area.addEventListener("scroll", () => {
      editor.querySelector(".gutter").scrollTop = area.scrollTop;
    });
    let lines = area.value.split("\n").length;
    area.addEventListener("input", () => {
      const now = area.value.split("\n").length;
      if (now !== lines) number(editor);
      lines = now;
    });
  }
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-line]");
  const area = document.querySelector(".editor textarea");
  if (button && area) jump(area, Number(button.dataset.line), Number(button.dataset.column));
});

document.addEventListener("htmx:afterSwap", (event) => {
  const marks = event.detail.target.querySelector("[data-marks]");
  const area = document.querySelector(".editor textarea");
  if (!marks || !area) return;
  area.dataset.bad = marks.dataset.marks;
  number(area.closest(".editor"));
});

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
  const asked = /^#line-(\d+)$/.exec(location.hash);
  const area = document.querySelector(".editor textarea");
  if (asked && area) jump(area, Number(asked[1]), 1);
});
