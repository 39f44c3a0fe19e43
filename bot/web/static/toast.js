// Short notices that answers bring: header HX-Trigger: {"toast": {"text": "...", "bad": false, "undo": "/address", "undoText": "撤销"}}.
// What was done on a page that is no more stands in the next one already, and goes as they do.
"use strict";

document.addEventListener("toast", (event) => {
  const { text, bad, undo, undoText, ask } = event.detail;
  const toast = document.createElement("div");
  toast.className = bad ? "toast bad" : "toast";
  toast.append(text);
  if (undo) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = undoText;
    button.addEventListener("click", () => {
      htmx.ajax("POST", undo, { source: document.getElementById("content"), swap: "none" });
      toast.remove();
    });
    toast.append(button);
  }
  if (ask) {
    toast.append(" ", ask.text);
    ask.words.forEach((word, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = word;
      button.addEventListener("click", () => {
        htmx.ajax("POST", ask.url, { source: document.getElementById("content"), swap: "none", values: ask.fields[place] });
        toast.remove();
      });
      toast.append(button);
    });
  }
  document.getElementById("toasts").append(toast);
  setTimeout(() => toast.remove(), ask ? 20000 : undo ? 10000 : 5000);
});

for (const toast of document.querySelectorAll("#toasts .toast")) setTimeout(() => toast.remove(), 5000);

// A banner that was closed stays closed in this tab, until it has something else to say.
function hideClosed() {
  for (const banner of document.querySelectorAll("[data-closable]")) {
    if (sessionStorage.getItem("closed") === banner.dataset.closable) banner.remove();
  }
}

document.addEventListener("click", (event) => {
  const banner = event.target.closest("[data-close]") && event.target.closest("[data-closable]");
  if (!banner) return;
  sessionStorage.setItem("closed", banner.dataset.closable);
  hideClosed();
});
document.addEventListener("htmx:afterSwap", hideClosed);
document.addEventListener("htmx:oobAfterSwap", hideClosed);
document.addEventListener("htmx:sseMessage", hideClosed);
hideClosed();
