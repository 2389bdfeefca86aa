// A page is heard: two tones when an incident begins to wait for an answer, again every minute while one of the gravest
// two kinds still waits. Drawn by the browser itself (Web Audio): there is no file to lose. Silence is chosen for a
// while, is shown, and ends by itself.
import { onBoard } from "./live.js";
import { everySecond } from "./moments.js";

const KEPT = "silence";
const AGAIN_MILLISECONDS = 60000;
const UNTIL_NEXT = "next";
const TONES = [[880, 0, 0.18], [660, 0.22, 0.18], [880, 0.5, 0.18], [660, 0.72, 0.3]];

let box = null;
let context = null;
let known = null;
let rangAt = -Infinity;

export function begin() {
  box = document.getElementById("sound");
  if (!box || !window.AudioContext) return;
  box.hidden = false;
  context = new AudioContext();
  context.addEventListener("statechange", show);
  // A browser lets nobody make a noise before somebody touched the page: any touch will do.
  for (const touch of ["pointerdown", "keydown"]) addEventListener(touch, () => context.resume(), { passive: true });
  box.addEventListener("click", (event) => choose(event.target.closest("button")));
  addEventListener("storage", (event) => event.key === KEPT && show());
  known = new Set(waiting().map(keyOf));
  onBoard(listen);
  everySecond(beat);
  show();
}

// The M key: silence for a quarter of an hour, or sound again.
export function toggle() {
  if (!box || box.hidden) return false;
  keep(isSilent() ? null : Date.now() + Number(box.querySelector("[data-minutes]").dataset.minutes) * 60000);
  return true;
}

const waiting = () => [...document.querySelectorAll(".rows .row.waiting")];
const keyOf = (row) => row.dataset.key;

function listen() {
  const rows = waiting();
  const isNew = rows.some((row) => !known.has(keyOf(row)));
  known = new Set(rows.map(keyOf));
  if (!isNew) return;
  if (kept() === UNTIL_NEXT) keep(null);
  ring();
}

function beat() {
  if (waiting().some((row) => row.matches(".p1, .p2")) && performance.now() - rangAt > AGAIN_MILLISECONDS) ring();
  show();
}

function ring() {
  rangAt = performance.now();
  if (isSilent()) return;
  sound();
}

function sound() {
  if (context.state !== "running") return;
  for (const [pitch, after, lasts] of TONES) {
    const [tone, level] = [new OscillatorNode(context, { type: "triangle", frequency: pitch }), new GainNode(context, { gain: 0 })];
    const at = context.currentTime + after;
    level.gain.setValueAtTime(0, at);
    level.gain.linearRampToValueAtTime(0.5, at + 0.02);
    level.gain.setValueAtTime(0.5, at + lasts - 0.04);
    level.gain.linearRampToValueAtTime(0, at + lasts);
    tone.connect(level).connect(context.destination);
    tone.start(at);
    tone.stop(at + lasts);
  }
}

const kept = () => localStorage.getItem(KEPT);

function isSilent() {
  const until = kept();
  return until === UNTIL_NEXT || Number(until) > Date.now();
}

function keep(until) {
  if (until === null) localStorage.removeItem(KEPT);
  else localStorage.setItem(KEPT, String(until));
  show();
}

async function choose(button) {
  if (!button) return;
  await context.resume();
  if (button.dataset.minutes) keep(Date.now() + Number(button.dataset.minutes) * 60000);
  else if ("next" in button.dataset) keep(UNTIL_NEXT);
  else {
    keep(null);
    sound();
  }
  box.querySelector("details").open = false;
  box.querySelector("summary").focus();
}

function show() {
  const zone = document.body.dataset.zone;
  const until = kept();
  let [state, text] = ["on", box.dataset.on];
  if (until === UNTIL_NEXT) [state, text] = ["silent", box.dataset.next];
  else if (Number(until) > Date.now()) {
    const time = new Date(Number(until)).toLocaleTimeString("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" });
    [state, text] = ["silent", box.dataset.until.replace("{}", time)];
  } else if (context.state !== "running") [state, text] = ["blocked", box.dataset.blocked];
  if (box.dataset.state !== state) box.dataset.state = state;
  const told = box.querySelector("[data-told]");
  if (told.textContent !== text) told.textContent = text;
}
