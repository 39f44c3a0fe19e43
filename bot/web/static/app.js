// What the pages do beyond links: copy a text, and show which tab one is on where not all of them fit.
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

for (const here of document.querySelectorAll(".tabs a[aria-current]")) {
  const tabs = here.parentElement;
  tabs.scrollLeft = here.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - here.offsetWidth) / 2;
}
