// Times that move: the clock, countdowns and "4 minutes ago", all by the server's clock, in the same forms as
// dashboards/moments.py writes them.
const body = document.body.dataset;
const language = document.documentElement.lang;
const URGENT_SECONDS = 180;
let offset = Date.parse(body.now) - Date.now();

export function now() {
  return Date.now() + offset;
}

// The server said what time it is; a step of ours (or of the machine that we run on) must not age the data.
export function setServerTime(iso) {
  const at = Date.parse(iso);
  if (!Number.isNaN(at)) offset = at - Date.now();
}

const formatter = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: body.zone, hourCycle: "h23", ...options });
const clock = formatter({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
export const clockText = (milliseconds) => clock.format(milliseconds);

const units = Object.fromEntries(
  ["day", "hour", "minute", "second"].map((unit) => [
    unit,
    new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long", useGrouping: false }),
  ]),
);

// The two largest units that matter, as moments.span does.
export function spanText(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const [days, hours, minutes] = [Math.floor(s / 86400), Math.floor((s % 86400) / 3600), Math.floor((s % 3600) / 60)];
  const parts = [];
  if (days) {
    parts.push(units.day.format(days));
    if (hours) parts.push(units.hour.format(hours));
  } else if (hours) {
    parts.push(units.hour.format(hours));
    if (minutes) parts.push(units.minute.format(minutes));
  } else if (minutes) parts.push(units.minute.format(minutes));
  else parts.push(units.second.format(s));
  return parts.join(" ");
}

export function agoText(at) {
  const seconds = (now() - at) / 1000;
  return seconds < 0 ? body.left.replace("{}", spanText(-seconds)) : body.ago.replace("{}", spanText(seconds));
}

function countdownText(seconds) {
  const total = Math.trunc(seconds);
  const s = Math.abs(total);
  const two = (value) => String(value).padStart(2, "0");
  const minutes = two(Math.floor((s % 3600) / 60));
  const hours = Math.floor(s / 3600);
  const sign = total < 0 ? "+" : "";
  return hours ? `${sign}${hours}:${minutes}:${two(s % 60)}` : `${sign}${minutes}:${two(s % 60)}`;
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function tick(root = document) {
  const at = now();
  for (const element of root.querySelectorAll("[data-clock]")) write(element, clock.format(at));
  for (const element of root.querySelectorAll("[data-ago][datetime]")) write(element, agoText(Date.parse(element.dateTime)));
  for (const element of root.querySelectorAll("[data-left]:not(body)")) {
    const left = (Date.parse(element.dataset.left) - at) / 1000;
    if (left >= 0) write(element, body.left.replace("{}", spanText(left)));
  }
  for (const element of root.querySelectorAll("[data-due]")) {
    const left = (Date.parse(element.dateTime) - at) / 1000;
    write(element, countdownText(left));
    element.classList.toggle("urgent", left <= URGENT_SECONDS && !("calm" in element.dataset));
  }
}

const listeners = [];
export function everySecond(listener) {
  listeners.push(listener);
}

export function begin() {
  const beat = () => {
    tick();
    for (const listener of listeners) listener();
    setTimeout(beat, 1000 - (now() % 1000));
  };
  beat();
}
