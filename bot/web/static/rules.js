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
