// What the pages do beyond links: copy a text, say whether the board is live, keep columns where they were scrolled to.
"use strict";

function selectAndCopy(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.setAttribute("readonly", "");
  area.className = "offscreen";
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return selectAndCopy(text); // older WeCom browsers, or a page that is not served over https
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  button.dataset.label ??= button.textContent;
  const copied = await copy(document.getElementById(button.dataset.copy).textContent);
  button.textContent = copied ? button.dataset.done : button.dataset.failed;
  button.classList.toggle("done", copied);
  setTimeout(() => {
    button.textContent = button.dataset.label;
    button.classList.remove("done");
  }, 3000);
});

function showLive(on) {
  const sign = document.querySelector("[data-live]");
  if (!sign || sign.classList.contains("off") === !on) return;
  sign.classList.toggle("off", !on);
  sign.textContent = on ? sign.dataset.on : sign.dataset.off;
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden) event.preventDefault();
});
document.addEventListener("htmx:afterRequest", (event) => showLive(event.detail.successful));

const scrolled = new Map();
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const cards = event.detail.target.querySelector(".cards, .stages");
  if (cards) scrolled.set(event.detail.target.id, [cards.scrollLeft, cards.scrollTop]);
});
document.addEventListener("htmx:oobAfterSwap", () => {
  for (const [id, [left, top]] of scrolled) {
    document.getElementById(id)?.querySelector(".cards, .stages")?.scrollTo(left, top);
  }
  scrolled.clear();
});
