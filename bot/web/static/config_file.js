// The config file's editor: line numbers and marks, TOML in colours behind the text, an outline, a search, jumps.
"use strict";

const LINE_STARTS = /^\s*(?:(\[\[?[^\]#]*\]\]?)|((?:[\w-]+|"[^"]*")(?:\s*\.\s*(?:[\w-]+|"[^"]*"))*)(?=\s*=))/;
const PIECES = /(#.*)|("(?:[^"\\]|\\.)*"?|'[^']*'?)|\b(true|false|\d[\d:.+TZ_-]*)\b|([\w-]+(?=\s*=))/g;
const KINDS = ["comment", "string", "number", "key"];
const LONG = { '"""': /"""/, "'''": /'''/ };

// The pieces of a line, [kind, text] each, and the quotes that are still open at its end.
function pieces(line, open) {
  const found = [];
  let rest = line;
  while (rest || open) {
    if (open) {
      const end = LONG[open].exec(rest);
      if (!end) return [[...found, ["string", rest]], open];
      found.push(["string", rest.slice(0, end.index + 3)]);
      rest = rest.slice(end.index + 3);
      open = "";
      continue;
    }
    const begin = /"""|'''/.exec(rest);
    const hash = rest.indexOf("#");
    const until = begin && (hash < 0 || begin.index < hash) ? begin.index : rest.length;
    found.push(...plainPieces(rest.slice(0, until), !found.length));
    if (until === rest.length) return [found, ""];
    open = begin[0];
    found.push(["string", open]);
    rest = rest.slice(until + 3);
  }
  return [found, ""];
}

function plainPieces(text, first) {
  const found = [];
  const start = first && LINE_STARTS.exec(text);
  if (start) found.push([start[1] ? "header" : "key", start[0]]);
  let place = start ? start[0].length : 0;
  PIECES.lastIndex = place;
  for (let one = PIECES.exec(text); one; one = PIECES.exec(text)) {
    if (one.index > place) found.push(["", text.slice(place, one.index)]);
    found.push([KINDS[[1, 2, 3, 4].findIndex((group) => one[group] !== undefined)], one[0]]);
    place = PIECES.lastIndex;
  }
  if (place < text.length) found.push(["", text.slice(place)]);
  return found;
}

function row(line, open) {
  const [found, after] = pieces(line, open);
  const made = document.createElement("div");
  for (const [kind, text] of found) {
    if (!kind) {
      made.append(text);
      continue;
    }
    const part = document.createElement("span");
    part.className = kind;
    part.textContent = text;
    made.append(part);
  }
  made.append("\n");
  return [made, after];
}

class Editor {
  constructor(box) {
    this.box = box;
    this.area = box.querySelector("textarea");
    this.gutter = box.querySelector(".gutter");
    this.paint = box.querySelector(".paint");
    this.outline = document.querySelector("[data-outline]");
    this.rows = [];
    this.lines = [];
    this.opens = [];
    this.changed();
    box.classList.add("painted");
    this.area.addEventListener("scroll", () => this.scrolled());
    this.area.addEventListener("input", () => this.changed());
  }

  changed() {
    const lines = this.area.value.split("\n");
    this.repaint(lines);
    this.number();
    clearTimeout(this.later);
    this.later = setTimeout(() => this.showOutline(), this.shown ? 300 : 0);
    this.shown = true;
    this.scrolled();
  }

  // Only rows that differ are made anew: those between the same beginning and the same end.
  repaint(lines) {
    let start = 0;
    while (start < lines.length && start < this.lines.length && lines[start] === this.lines[start]) start += 1;
    let tail = 0;
    const most = Math.min(lines.length, this.lines.length) - start;
    while (tail < most && lines[lines.length - 1 - tail] === this.lines[this.lines.length - 1 - tail]) tail += 1;
    const old = this.opens;
    let open = start ? old[start - 1] : "";
    const opens = old.slice(0, start);
    const rows = [];
    const shift = this.lines.length - lines.length;
    let end = start;
    for (; end < lines.length; end += 1) {
      const before = end + shift ? old[end + shift - 1] || "" : "";
      if (end >= lines.length - tail && before === open) break; // from here on all is as it was
      const [made, after] = row(lines[end], open);
      rows.push(made);
      opens.push(after);
      open = after;
    }
    this.opens = [...opens, ...old.slice(end + shift)];
    const gone = this.rows.splice(start, end + shift - start, ...rows);
    for (const one of gone) one.remove();
    const next = this.rows[start + rows.length] || null;
    const fresh = document.createDocumentFragment();
    fresh.append(...rows);
    this.paint.insertBefore(fresh, next);
    this.lines = lines;
  }

  number() {
    const bad = new Set((this.area.dataset.bad || "").split(",").filter(Boolean).map(Number));
    this.gutter.replaceChildren();
    let run = [];
    const flush = () => {
      if (run.length) this.gutter.append(run.join("\n") + "\n");
      run = [];
    };
    this.rows.forEach((one, index) => {
      one.classList.toggle("bad", bad.has(index + 1));
      if (bad.has(index + 1)) {
        flush();
        const mark = document.createElement("span");
        mark.className = "bad";
        mark.textContent = index + 1;
        this.gutter.append(mark);
      } else {
        run.push(index + 1);
      }
    });
    flush();
    this.gutter.append("\n\n\n");
  }

  scrolled() {
    this.gutter.scrollTop = this.area.scrollTop;
    this.paint.scrollTop = this.area.scrollTop;
    this.paint.scrollLeft = this.area.scrollLeft;
  }

  startOf(line) {
    return this.lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
  }

  jump(line, column, end, stay) {
    const start = this.startOf(line) + Math.max(0, column - 1);
    this.area.setSelectionRange(start, end === undefined ? this.startOf(line) + (this.lines[line - 1] || "").length : end);
    if (!stay) {
      this.area.focus();
      this.box.scrollIntoView({ block: "nearest" });
    }
    this.area.scrollTop = Math.max(0, (line - 5) * (this.area.scrollHeight / this.lines.length));
    const left = this.area.clientWidth / 2;
    this.area.scrollLeft = column * 8 > left ? column * 8 - left : 0;
    for (const one of this.paint.querySelectorAll(".found")) one.classList.remove("found");
    if (this.rows[line - 1]) this.rows[line - 1].classList.add("found");
  }

  // Every table with its name, in the order of the file; several of one kind one below another.
  showOutline() {
    if (!this.outline) return;
    const names = JSON.parse(this.outline.dataset.names);
    const kinds = new Map();
    this.lines.forEach((line, index) => {
      const head = (index ? this.opens[index - 1] : "") ? null : /^\s*\[(\[?)\s*([\w-]+)\s*\]/.exec(line);
      if (!head) return;
      const called = head[1] ? this.nameBelow(index) : "";
      kinds.set(head[2], [...(kinds.get(head[2]) || []), { line: index + 1, called }]);
    });
    this.outline.replaceChildren();
    for (const [kind, found] of kinds) this.outline.append(this.kindOf(names[kind] || kind, found));
  }

  nameBelow(index) {
    for (const line of this.lines.slice(index + 1, index + 12)) {
      if (/^\s*\[/.test(line)) return "";
      const named = /^\s*(?:id|name|group|ledger)\s*=\s*["']([^"']*)["']/.exec(line);
      if (named) return named[1];
    }
    return "";
  }

  kindOf(title, found) {
    if (found.length === 1 && !found[0].called) return this.entry(title, found[0].line);
    const box = document.createElement("details");
    const top = document.createElement("summary");
    top.textContent = `${title} ${found.length}`;
    box.append(top, ...found.map((one) => this.entry(one.called || title, one.line)));
    return box;
  }

  entry(title, line) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = title;
    button.dataset.line = line;
    button.dataset.column = 1;
    return button;
  }
}

class Search {
  constructor(editor, box) {
    this.editor = editor;
    this.field = box.querySelector("input");
    this.said = box.querySelector("[data-found]");
    this.at = -1;
    this.field.addEventListener("input", () => this.go(0, true));
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        this.go(event.shiftKey ? -1 : 1);
      } else if (event.key === "Escape") {
        editor.area.focus();
      }
    });
    box.querySelector("[data-before]").addEventListener("click", () => this.go(-1));
    box.querySelector("[data-next]").addEventListener("click", () => this.go(1));
  }

  go(step, anew) {
    const wanted = this.field.value.toLowerCase();
    const text = this.editor.area.value.toLowerCase();
    const found = [];
    for (let at = wanted ? text.indexOf(wanted) : -1; at >= 0; at = text.indexOf(wanted, at + wanted.length)) found.push(at);
    this.at = anew ? 0 : (this.at + step + found.length) % (found.length || 1);
    this.said.textContent = wanted ? `${found.length ? this.at + 1 : 0} / ${found.length}` : "";
    if (!found.length) return;
    const place = found[this.at];
    const before = text.slice(0, place).split("\n");
    this.editor.jump(before.length, before[before.length - 1].length + 1, place + wanted.length, true);
  }
}

document.addEventListener("DOMContentLoaded", () => {
  const box = document.querySelector(".editor");
  if (!box) return;
  const editor = new Editor(box);
  new Search(editor, document.querySelector("[data-search]"));
  const folded = document.querySelector(".file-outline");
  if (window.matchMedia("(max-width: 960px)").matches) folded.open = false;
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-line]");
    if (button) editor.jump(Number(button.dataset.line), Number(button.dataset.column));
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const marks = event.detail.target.querySelector("[data-marks]");
    if (!marks) return;
    editor.area.dataset.bad = marks.dataset.marks;
    editor.number();
    editor.scrolled();
  });
  const asked = /^#line-(\d+)$/.exec(location.hash);
  if (asked) editor.jump(Number(asked[1]), 1);
});
