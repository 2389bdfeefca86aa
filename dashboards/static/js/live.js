// Keeping a page true: one event stream, patches of what changed, and honesty about silence.
import { clockText, everySecond, now, setServerTime, spanText, tick } from "./moments.js";
import { parsed, patch } from "./patch.js";
import { tiles as everyTile, write as writeTile } from "./tiles.js";

const body = document.body.dataset;
const state = document.getElementById("live-state");
const fresh = document.getElementById("fresh");
const baseTitle = document.title;
const SILENT_MILLISECONDS = 12000;
const RETRY_MILLISECONDS = 3000;
const REFRESH_MILLISECONDS = 300;

let stream = null;
let heardAt = performance.now();
let dataAt = Date.parse(body.dataAt ?? "");
let signedOut = false;
let refreshTimer = null;
let everHeard = false;

export function begin() {
  if (!body.live || !window.EventSource) return;
  markWaiting();
  connect();
  everySecond(judge);
  const [kind, seconds] = (body.refresh ?? "").split(":");
  if (kind === "every") setInterval(refresh, Number(seconds) * 1000);
  addEventListener("pageshow", (event) => event.persisted && connect());
  if (document.body.classList.contains("wall")) keepAwake();
}

function connect() {
  stream?.close();
  stream = new EventSource("/events");
  stream.addEventListener("snapshot", (event) => {
    const told = heard(event);
    if (body.live === "board" && told.parts) applyBoard(told, true);
    // A page that lost the line cannot know what it missed.
    else if (everHeard) refreshSoon();
    everHeard = true;
    body.heard = "yes";
  });
  stream.addEventListener("board", (event) => {
    const told = heard(event);
    if (body.live === "board") applyBoard(told, false);
  });
  stream.addEventListener("touched", (event) => {
    const told = JSON.parse(event.data);
    heardAt = performance.now();
    if (isAboutUs(told)) refreshSoon();
  });
  stream.addEventListener("pulse", heard);
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) askWhy();
  });
}

function heard(event) {
  const told = JSON.parse(event.data);
  heardAt = performance.now();
  if (told.at) setServerTime(told.at);
  if (told.data_at) dataAt = Date.parse(told.data_at);
  judge();
  return told;
}

// The browser gives up on an answer that is no stream: signed out, or the server is not up yet.
async function askWhy() {
  try {
    const answer = await fetch("/events", { headers: { accept: "text/event-stream" }, signal: AbortSignal.timeout(1500) });
    if (answer.status === 401) {
      signedOut = true;
      judge();
      return;
    }
    answer.body?.cancel();
  } catch {
    // Not reachable, or a stream that goes on: try again either way.
  }
  setTimeout(connect, RETRY_MILLISECONDS);
}

function judge() {
  const silent = performance.now() - heardAt > SILENT_MILLISECONDS;
  const age = (now() - dataAt) / 1000;
  const stale = Number.isFinite(age) && body.staleSeconds && age > Number(body.staleSeconds);
  const lostAt = now() - (performance.now() - heardAt);
  if (signedOut) say(state.dataset.ended, "sign-in");
  else if (silent) say(`${state.dataset.lost} ${clockText(lostAt)}. ${state.dataset.advice}`);
  else if (stale) say(`${state.dataset.stale} ${clockText(dataAt)}. ${state.dataset.advice}`);
  else state.hidden = true;
  document.body.classList.toggle("stale-picture", Boolean(signedOut || silent || stale));
  if (fresh && Number.isFinite(age)) {
    const text = `${fresh.dataset.name} ${body.ago.replace("{}", spanText(Math.max(0, age)))}`;
    if (fresh.textContent !== text) fresh.textContent = text;
    fresh.classList.toggle("stale", Boolean(stale || silent));
  }
}

function say(text, action) {
  if (state.dataset.said === text && !state.hidden) return;
  state.dataset.said = text;
  state.textContent = text;
  if (action) {
    const link = document.createElement("a");
    link.href = `/sign-in?next=${encodeURIComponent(location.pathname)}`;
    link.textContent = state.dataset.signIn;
    state.append(" ", link);
  }
  state.hidden = false;
}

function applyBoard(told, whole) {
  turnTiles(told.tiles, whole);
  for (const [part, html] of Object.entries(told.parts)) {
    const container = document.querySelector(`[data-part="${part}"]`);
    if (!container) continue;
    const changed = patch(container, parsed(html));
    if (part === "incidents") markNew(changed);
  }
  tick();
  markWaiting();
  for (const listener of listeners) listener();
}

const listeners = [];
// Calls back whenever the board was patched.
export function onBoard(listener) {
  listeners.push(listener);
}

const labels = () =>
  Object.fromEntries([...document.querySelectorAll(".counts li")].map((item) => [
    item.dataset.key,
    { sign: item.querySelector(".swatch").textContent, name: item.querySelector("span").lastChild.textContent },
  ]));

function turnTiles(told, whole) {
  const known = labels();
  const turned = whole ? everyTile().keys() : Object.keys(told);
  for (const code of turned) writeTile(code, told[code] ?? "ready", known);
}

// A new P1 stays marked until somebody looked at it.
const unread = new Set(JSON.parse(sessionStorage.getItem("unread") ?? "[]"));

function markNew(changed) {
  for (const { key, element, isNew } of changed) {
    if (isNew && element.matches(".p1.waiting")) unread.add(key);
  }
}

function markWaiting() {
  const rows = document.querySelectorAll(".rows .row.waiting");
  document.title = rows.length ? `(${rows.length}) ${baseTitle}` : baseTitle;
  for (const row of document.querySelectorAll(".rows .row")) {
    const isUnread = unread.has(row.dataset.key) && row.matches(".waiting");
    row.classList.toggle("unread", isUnread);
    if (!isUnread) continue;
    const seen = () => {
      unread.delete(row.dataset.key);
      row.classList.remove("unread");
      sessionStorage.setItem("unread", JSON.stringify([...unread]));
    };
    row.addEventListener("pointerenter", seen, { once: true });
    row.addEventListener("focusin", seen, { once: true });
  }
  sessionStorage.setItem("unread", JSON.stringify([...unread]));
}

function isAboutUs(told) {
  const [kind, code] = (body.refresh ?? "").split(":");
  if (kind === "incidents") return told.incidents.length > 0;
  if (kind === "incident") return told.incidents.includes(Number(code)) || told.sites.length > 0;
  if (kind === "site") return told.sites.includes(code);
  return kind === "sites" && told.sites.length > 0;
}

function refreshSoon() {
  clearTimeout(refreshTimer);
  refreshTimer = setTimeout(refresh, REFRESH_MILLISECONDS);
}

// Fetch the page again and take over its live regions; what somebody is writing in a form is left alone.
async function refresh() {
  let answer;
  try {
    answer = await fetch(location.href, { headers: { accept: "text/html" } });
  } catch {
    return;
  }
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const region of document.querySelectorAll("[data-region]")) {
    const now = page.querySelector(`[data-region="${region.dataset.region}"]`);
    if (!now) continue;
    region.className = now.className;
    patch(region, [...now.childNodes].map((node) => document.adoptNode(node)));
  }
  refreshActions(page);
  tick();
}

function refreshActions(page) {
  const old = document.querySelector(".actions");
  const now = page.querySelector(".actions");
  if (!old || old.contains(document.activeElement) || [...old.querySelectorAll("textarea")].some((field) => field.value)) return;
  if (now) old.replaceWith(document.adoptNode(now));
  else old.remove();
}

async function keepAwake() {
  try {
    await navigator.wakeLock?.request("screen");
  } catch {
    // The screen's own settings decide then.
  }
}
