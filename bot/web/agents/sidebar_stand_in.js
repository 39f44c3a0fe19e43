// For the demo alone: stands in for WeCom's client. What the JS-SDK asks of its bridge is handed to the page around
// us, the sandbox's phone, which checks our signature and really sends what is to be sent.
"use strict";

(() => {
  if (window.parent === window) return;
  const LOOPBACK = /^http:\/\/(127\.0\.0\.1|localhost)(:\d+)?$/;
  const waiting = new Map();
  let number = 0;

  Object.defineProperty(navigator, "userAgent", { value: `${navigator.userAgent} MicroMessenger/7.0.1 wxwork/4.1.36` });

  window.addEventListener("message", (event) => {
    if (event.source !== window.parent || !LOOPBACK.test(event.origin)) return;
    waiting.get(event.data.number)?.(event.data.result);
    waiting.delete(event.data.number);
  });

  window.WeixinJSBridge = {
    invoke(name, params, callback) {
      number += 1;
      waiting.set(number, callback);
      const url = window.location.href.split("#")[0];
      window.parent.postMessage({ bridge: { number, name, params: JSON.parse(JSON.stringify(params)), url } }, "*");
    },
    on() {},
  };
})();
