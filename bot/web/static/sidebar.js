// The page beside a chat: asks WeCom whom the chat is with, shows that customer, sends with one tap.
"use strict";

const { csrf, corp, app, agent, sent, offline, gone, stranger, roomless } = document.body.dataset;
const panel = document.getElementById("panel");
const notice = document.getElementById("notice");
const RENEW_MS = 5000;
const PATIENCE_MS = 10000;
const done = new Set(); // what was sent from here, so that a renewed panel does not offer it at once again
const search = document.getElementById("search");
const found = document.getElementById("found");
const inFlight = new Set();
let about = null; // {external_userid, group}
let stamp = "";

async function ask(path, fields) {
  const body = new URLSearchParams(fields);
  const headers = { "X-CSRFToken": csrf, "HX-Request": "true" };
  if (agent) headers["X-Agent"] = agent;
  return fetch(path, { method: "POST", body, headers });
}

function tell(text, bad = false) {
  notice.textContent = text;
  notice.classList.toggle("bad", bad);
  clearTimeout(tell.timer);
  if (text) tell.timer = setTimeout(() => tell(""), bad ? 8000 : 3000);
}

function blank(template, why = "") {
  panel.className = "blank";
  panel.replaceChildren(document.getElementById(template).content.cloneNode(true));
  const place = panel.querySelector("[data-why]");
  if (place) place.textContent = why;
}

function why(status, missing) {
  return { 401: gone, 404: missing }[status] ?? offline;
}

function within(promise) {
  const late = new Promise((_, reject) => setTimeout(() => reject({ errMsg: "sidebar:fail timeout" }), PATIENCE_MS));
  return Promise.race([promise, late]);
}

async function signed(kind, url) {
  const answer = await ask("/sidebar/sign", { kind, url });
  const values = await answer.json().catch(() => ({}));
  if (!answer.ok) throw { errMsg: "sidebar:fail signature", words: values.text };
  return values;
}

function join() {
  let broken;
  const failed = new Promise((_, reject) => { broken = reject; });
  failed.catch(() => {});
  ww.register({
    corpId: corp,
    agentId: app,
    jsApiList: ["getContext", "getCurExternalContact", "getCurExternalChat", "sendChatMessage"],
    getConfigSignature: (url) => signed("config", url),
    getAgentConfigSignature: (url) => signed("agent", url),
    onAgentConfigFail: broken,
  });
  return failed;
}

function show(html) {
  panel.className = "";
  panel.innerHTML = html;
  settleSent(panel);
}

function settleSent(place) {
  for (const button of place.querySelectorAll("[data-send]")) {
    if (done.has(nameOf(button)) && !button.dataset.again) settle(button);
  }
}

const nameOf = (button) => `${button.dataset.send} ${button.dataset.part}`;

function settle(button) {
  button.disabled = true;
  button.textContent = sent;
}

async function renew() {
  if (!about) return;
  const whom = about;
  const answer = await ask("/sidebar/customer", { ...about, seen: stamp });
  if (answer.status === 204 || about !== whom) return; // another chat was opened meanwhile
  if (!answer.ok) return blank("failed", why(answer.status, stranger));
  stamp = answer.headers.get("X-Stamp");
  show(await answer.text());
}

async function meet(external_userid, group = "") {
  about = { external_userid, group };
  stamp = "";
  await renew();
  if (search) {
    search.hidden = panel.className === "blank";
    looked += 1;
    found.replaceChildren();
  }
}

async function open() {
  if (!/wxwork/i.test(navigator.userAgent)) return blank("outside");
  try {
    const failed = join();
    const { entry } = await within(Promise.race([ww.getContext(), failed]));
    if (entry === "group_chat_tools") {
      const { chatId } = await within(ww.getCurExternalChat());
      const answer = await ask("/sidebar/group", { chat_id: chatId });
      return answer.ok ? show(await answer.text()) : blank("failed", why(answer.status, roomless));
    }
    if (entry === "normal") return blank("outside");
    const { userId } = await within(ww.getCurExternalContact());
    await meet(userId);
  } catch (error) {
    if (!error.errMsg) return blank("failed", offline);
    if (error.words) return blank("failed", error.words);
    const answer = await ask("/sidebar/trouble", { message: error.errMsg }).catch(() => null);
    blank("failed", answer?.ok ? (await answer.json()).text : offline);
  }
}

// What goes along with a text leaves behind it, one message each, by the buttons that stand there for it.
async function sendAlong(key, place) {
  const others = [...place.querySelectorAll("[data-send]")].filter(
    (one) => one.dataset.send === key && one.dataset.part !== "text" && !one.disabled,
  );
  for (const one of others) if (!(await send(one))) return;
}

// One tap, one message: the server takes the tap before WeCom is asked, and gets it back if WeCom refuses.
async function send(button) {
  const name = nameOf(button);
  if (inFlight.has(name)) return false;
  inFlight.add(name);
  button.disabled = true;
  const words = "changed" in button.dataset ? button.parentElement.querySelector("textarea").value : "";
  const fields = { ...about, key: button.dataset.send, part: button.dataset.part, again: button.dataset.again ?? "", words };
  try {
    const answer = await ask("/sidebar/send", fields);
    const { message, text } = await answer.json().catch(() => ({ text: why(answer.status, stranger) }));
    if (!answer.ok) {
      tell(text, true);
      await renew();
      return false;
    }
    try {
      await ww.sendChatMessage(message);
      done.add(name);
      settle(button);
      for (const twin of button.closest("section").querySelectorAll("[data-send]")) if (nameOf(twin) === name) settle(twin);
      tell(sent);
      if ("along" in button.dataset) await sendAlong(button.dataset.send, button.closest("section"));
      if ("changed" in button.dataset) button.parentElement.open = false;
      return true;
    } catch (error) {
      const told = await ask("/sidebar/unsent", { ...fields, message: error.errMsg ?? String(error) });
      const refusal = told.ok ? (await told.json()).text : offline;
      tell(refusal, true); // empty where the agent cancelled
      button.disabled = false;
      button.closest("section").querySelector("[data-copy]")?.classList.toggle("hint", refusal !== "");
    }
  } catch {
    tell(offline, true);
    button.disabled = false;
  } finally {
    inFlight.delete(name);
  }
  return false;
}

async function answer(form, submitter) {
  const fields = new FormData(form, submitter);
  for (const menu of panel.querySelectorAll("details[open]")) menu.open = false;
  try {
    const reply = await ask(form.action, fields);
    const { toast } = JSON.parse(reply.headers.get("HX-Trigger") ?? "{}");
    tell(toast?.text ?? (reply.ok ? "" : why(reply.status, stranger)), toast?.bad ?? !reply.ok);
    stamp = "";
    await renew();
  } catch {
    tell(offline, true);
  }
}

panel?.addEventListener("click", (event) => {
  const button = event.target.closest("[data-send]");
  if (button) send(button);
  const member = event.target.closest("[data-member]");
  if (member) meet(member.dataset.member, "1");
  for (const menu of panel.querySelectorAll(".menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

search?.addEventListener("click", (event) => {
  const button = event.target.closest("[data-send]");
  if (button) send(button);
  const drafter = event.target.closest("[data-draft]");
  if (drafter) draft(drafter);
  const topic = event.target.closest("[data-look]");
  if (topic) {
    search.querySelector("[type=search]").value = topic.dataset.look;
    look();
  }
});

// Looks the words up in the company's wordings; what is found stands apart from the panel, which renews itself.
search?.addEventListener("submit", (event) => {
  event.preventDefault();
  if ("own" in event.target.dataset) keepOwn(event.target, event.submitter);
  else look();
});

// What was asked for before something newer is not shown any more, however late its answer comes.
let looked = 0;

async function look() {
  const mine = ++looked;
  try {
    const reply = await ask("/sidebar/answers", { ...about, q: search.querySelector("[type=search]").value });
    const words = await reply.text();
    if (mine !== looked) return;
    if (!reply.ok) return tell(why(reply.status, stranger), true);
    found.innerHTML = words;
    settleSent(found);
  } catch {
    if (mine !== looked) return;
    tell(offline, true);
  }
}

// Has a draft written, which takes some seconds and stands where what is found stands.
async function draft(button) {
  const mine = ++looked;
  button.disabled = true;
  try {
    const reply = await ask("/sidebar/draft", about);
    const { toast } = JSON.parse(reply.headers.get("HX-Trigger") ?? "{}");
    const words = await reply.text();
    if (mine !== looked) return;
    if (!reply.ok) return tell(toast?.text ?? why(reply.status, stranger), true);
    found.innerHTML = words;
  } catch {
    tell(offline, true);
  } finally {
    button.disabled = false;
  }
}

// Keeps, removes or proposes one of the agent's own wordings, then looks again.
async function keepOwn(form, submitter) {
  try {
    const reply = await ask(form.action, new FormData(form, submitter));
    const { toast } = JSON.parse(reply.headers.get("HX-Trigger") ?? "{}");
    tell(toast?.text ?? why(reply.status, stranger), toast?.bad ?? !reply.ok);
    if (!reply.ok) return;
    form.reset();
    form.closest("details").open = false;
    await look();
  } catch {
    tell(offline, true);
  }
}

panel?.addEventListener("submit", (event) => {
  event.preventDefault();
  answer(event.target, event.submitter);
});

setInterval(() => {
  if (document.hidden || inFlight.size || panel?.querySelector("details[open]")) return;
  renew().catch(() => {});
}, RENEW_MS);

if (panel) open();
