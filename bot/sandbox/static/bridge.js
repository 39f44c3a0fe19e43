// Plays WeCom's client for the page beside the chat: what its JS-SDK asks for is done by the sandbox.
"use strict";

(() => {
  function frameOf(source) {
    return [...document.querySelectorAll("[data-beside] iframe")].find((frame) => frame.contentWindow === source);
  }

  window.addEventListener("message", async (event) => {
    const frame = frameOf(event.source);
    if (!frame || event.origin !== new URL(frame.dataset.src).origin || !event.data.bridge) return;
    const { number, name, params, url } = event.data.bridge;
    if (new URL(url).origin !== event.origin) return;
    const { userid, external } = frame.parentElement.dataset;
    const asked = { name, params, url, userid, external_userid: external };
    const answer = await fetch("/page/bridge", { method: "POST", body: JSON.stringify(asked) });
    event.source.postMessage({ number, result: await answer.json() }, event.origin);
  });

  document.addEventListener(
    "toggle",
    (event) => {
      if (!event.target.matches?.("[data-beside]")) return;
      const frame = event.target.querySelector("iframe");
      if (event.target.open && !frame.src) frame.src = frame.dataset.src;
    },
    true,
  );
})();
