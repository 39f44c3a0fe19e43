// One tap from a task into the chat with its customer: the words are copied, and WeCom's client opens the chat. Where
// it cannot (a browser outside WeCom, an app without the right), the way there is said in words.
"use strict";

async function asked(button, fields = {}) {
  const headers = button.dataset.token ? { "X-CSRFToken": button.dataset.token } : {};
  const answer = await fetch(button.dataset.chat, { method: "POST", body: new URLSearchParams(fields), headers });
  if (!answer.ok) throw new Error("no answer");
  return answer.json();
}

function sdk(button) {
  if (window.ww) return Promise.resolve();
  return new Promise((done, failed) => {
    const script = document.createElement("script");
    Object.assign(script, { src: button.dataset.sdk, onload: done, onerror: failed });
    document.head.append(script);
  });
}

async function openChat(button) {
  if (!/wxwork/i.test(navigator.userAgent)) throw new Error("outside WeCom");
  await sdk(button);
  const { corp, app, customer } = await asked(button);
  ww.register({
    corpId: corp,
    agentId: app,
    jsApiList: ["openEnterpriseChat"],
    getConfigSignature: (url) => asked(button, { kind: "config", url }),
    getAgentConfigSignature: (url) => asked(button, { kind: "agent", url }),
  });
  const late = new Promise((_, failed) => setTimeout(() => failed(new Error("late")), 10000));
  await Promise.race([ww.openEnterpriseChat({ externalUserIds: [customer] }), late]);
}

function sayBeside(button, text) {
  const owner = button.closest("section, li") ?? button.parentElement;
  let place = owner.querySelector(".to-chat-words");
  if (!place) {
    place = document.createElement("p");
    place.className = "hint to-chat-words";
    place.setAttribute("role", "status");
    owner.append(place);
  }
  place.textContent = text;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-chat]");
  if (!button || button.disabled) return;
  button.disabled = true;
  await copy(document.getElementById(button.dataset.say).textContent);
  try {
    await openChat(button);
    sayBeside(button, button.dataset.opened);
  } catch {
    sayBeside(button, button.dataset.words);
  } finally {
    button.disabled = false;
  }
});
