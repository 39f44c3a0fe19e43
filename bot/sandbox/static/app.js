// Keeps the page live: asks for the pulse, lets htmx fetch what changed, keeps chats at their end.
"use strict";

(() => {
  const PULSE_MS = 700;
  const body = document.body;
  const seen = new WeakMap();
  let last = Number(body.dataset.pulse);

  const changed = () => body.dispatchEvent(new CustomEvent("changed"));

  async function pulse() {
    try {
      const answer = await fetch("/page/pulse", { cache: "no-store" });
      const now = await answer.json();
      const clock = document.getElementById("clock");
      clock.textContent = now.clock;
      clock.dataset.short = now.clock.slice(-5);
      for (const face of document.querySelectorAll(".status span")) face.textContent = now.clock.slice(-5);
      if (now.last !== last) {
        last = now.last;
        changed();
      }
      body.classList.remove("away");
    } catch {
      body.classList.add("away");
    }
    window.setTimeout(pulse, document.hidden ? PULSE_MS * 5 : PULSE_MS);
  }

  function toEnd() {
    for (const screen of document.querySelectorAll("[data-stick]")) screen.scrollTop = screen.scrollHeight;
  }

  let timer = 0;
  function tell(text) {
    const toast = document.getElementById("toast");
    toast.textContent = text;
    toast.hidden = false;
    window.clearTimeout(timer);
    timer = window.setTimeout(() => { toast.hidden = true; }, 4000);
  }

  function ready() {
    toEnd();
    const draft = document.querySelector(".typing textarea[autofocus]");
    if (draft) {
      draft.focus();
      draft.setSelectionRange(draft.value.length, draft.value.length);
      const url = new URL(window.location.href);
      url.searchParams.delete("draft");
      window.history.replaceState(null, "", url);
      document.getElementById("tab-agent").checked = true;
    }
  }

  // An unchanged part is left alone, so that nobody's half-made choice is lost.
  body.addEventListener("htmx:beforeSwap", (event) => {
    const { target, xhr } = event.detail;
    if (!target.classList.contains("live") || xhr.status !== 200) return;
    if (seen.get(target) === xhr.responseText) event.detail.shouldSwap = false;
    seen.set(target, xhr.responseText);
    target.dataset.end = String(target.scrollHeight - target.scrollTop - target.clientHeight < 80);
  });

  body.addEventListener("htmx:afterSwap", (event) => {
    const target = event.detail.target;
    if (target.id === "phones") {
      ready();
      changed();
    } else if (target.hasAttribute("data-stick") && target.dataset.end === "true") {
      target.scrollTop = target.scrollHeight;
    }
    const dot = document.querySelector(".people .count");
    document.getElementById("tab-dot").hidden = !dot;
  });

  body.addEventListener("htmx:afterRequest", (event) => {
    const form = event.detail.elt.closest("form");
    if (event.detail.successful && form && form.hasAttribute("data-clear")) {
      const area = form.querySelector("textarea");
      const plain = !event.detail.requestConfig.parameters.msgtype;
      if (area && plain) {
        area.value = "";
        area.rows = 1;
      }
    }
    if (event.detail.successful && form) for (const open of document.querySelectorAll("details.pop[open]")) open.open = false;
  });

  body.addEventListener("htmx:responseError", (event) => {
    const text = event.detail.xhr.status === 409 ? event.detail.xhr.responseText : "没有成功，请看沙盒的日志";
    tell(text);
  });
  body.addEventListener("htmx:sendError", () => tell("沙盒没有回应，它还在运行吗？"));

  body.addEventListener("keydown", (event) => {
    const area = event.target;
    if (area.tagName === "TEXTAREA" && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      if (area.value.trim()) area.form.requestSubmit(area.form.querySelector("button.primary"));
    }
    if (event.key === "Escape") for (const open of document.querySelectorAll("details.pop[open]")) open.open = false;
  });

  body.addEventListener("change", (event) => {
    if (event.target.name === "tab") toEnd();
    if (event.target.hasAttribute("data-pair") && event.target.value) {
      window.htmx.ajax("GET", `/?${event.target.value}`, { target: "#phones", select: "#phones", swap: "outerHTML" });
      window.history.pushState(null, "", `/?${event.target.value}`);
    }
  });

  body.addEventListener("click", (event) => {
    for (const open of document.querySelectorAll("details.pop[open]")) if (!open.contains(event.target)) open.open = false;
  });

  // On a screen with room for it the tour is open until something of it was done.
  const tour = document.getElementById("tour");
  if (tour && window.innerWidth >= 1100 && !tour.querySelector(".done")) tour.open = true;

  ready();
  pulse();
})();
