// The keyboard: / find, f narrow the board, m silence, 1–9 open an incident, a acknowledge (twice: a slip must not stop the calls), t wall, ? help.
import { toggle as toggleSound } from "./sound.js";

const WALL = "/wall";

function isWriting(target) {
  return target.closest?.("input, textarea, select, [contenteditable]");
}

function acknowledge() {
  const button = document.getElementById("acknowledge");
  if (!button) return false;
  button.closest("details")?.setAttribute("open", "");
  if (document.activeElement === button) button.form.requestSubmit(button);
  else button.focus();
  return true;
}

function openRow(digit) {
  const link = document.querySelectorAll(".rows .row:not(.out) > a")[digit - 1];
  if (link) location.assign(link.href);
  return Boolean(link);
}

function act(key) {
  if (key >= "1" && key <= "9") return openRow(Number(key));
  switch (key) {
    case "/": {
      const field = document.querySelector('input[type="search"]');
      field?.focus();
      field?.select();
      return Boolean(field);
    }
    case "f": {
      const field = document.querySelector("#sieve select");
      field?.focus();
      return Boolean(field);
    }
    case "a":
      return acknowledge();
    case "b":
      location.assign("/");
      return true;
    case "t":
      location.assign(location.pathname === WALL ? "/" : WALL);
      return true;
    case "m":
      return toggleSound();
    case "?":
      document.getElementById("help")?.showModal();
      return true;
    case "Escape":
      if (location.pathname === WALL) location.assign("/");
      return location.pathname === WALL;
    default:
      return false;
  }
}

export function begin() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (isWriting(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (act(key)) event.preventDefault();
  });
}
