// The week of the roster is edited in place: a person or a turn is taken up (dragged, tapped, or Space) and put down on
// a turn or a gap. Each edit is a form's own request with the version that its duty had when the week was written, so
// what somebody else changed meanwhile is refused, and said; the week is then laid out as the server answers it.
const ITEM = ".turn, .hole, .hand";
const TARGET = ".turn, .hole";
const CHANGED = [404, 409, 412];
const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, -1], ArrowDown: [1, 1] };

let weeks = null;
let told = null;
let held = null;
let isBusy = false;
const done = [];

export function begin() {
  weeks = document.getElementById("weeks");
  if (!weeks?.dataset.edit) return;
  told = document.getElementById("week-said");
  weeks.classList.add("quick");
  document.querySelector(".by-hand").hidden = false;
  weeks.addEventListener("dragstart", (event) => {
    const item = event.target.closest(ITEM);
    if (!item || item.matches(".hole")) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", nameOf(item));
    hold(item);
  });
  weeks.addEventListener("dragover", (event) => {
    const target = event.target.closest(TARGET);
    if (held && target && fits(held, target)) event.preventDefault();
    aim(target);
  });
  weeks.addEventListener("drop", (event) => {
    event.preventDefault();
    put(event.target.closest(TARGET));
  });
  weeks.addEventListener("dragend", () => !isBusy && letGo());
  weeks.addEventListener("click", clicked);
  weeks.addEventListener("keydown", pressed);
  told.querySelector("button").addEventListener("click", undo);
  document.addEventListener("keydown", (event) => {
    const writes = event.target.closest("input, textarea, select");
    if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || writes) return;
    event.preventDefault();
    undo();
  });
  makeDraggable();
}

// People are no <button>s: a browser drags none of those.
function makeDraggable() {
  for (const item of weeks.querySelectorAll(".turn, .hand")) item.draggable = true;
  for (const link of weeks.querySelectorAll(".turn a, .hole a")) link.draggable = false;
}

function clicked(event) {
  const item = event.target.closest(ITEM);
  if (!item) return;
  if (item.matches(".hand")) held === item ? letGo() : hold(item);
  else if (held) {
    event.preventDefault();
    put(item);
  }
}

function pressed(event) {
  const item = event.target.closest(ITEM);
  if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
  const arrow = ARROWS[event.key];
  if (arrow) focus(neighbour(item, ...arrow));
  else if (event.key === "Escape" && held) letGo();
  else if (event.key === "Delete" && item.matches(".turn")) remove(item);
  else if (held && item.matches(TARGET) && (event.key === " " || event.key === "Enter")) put(item);
  else if (event.key === " " ? !item.matches(".hole") : event.key === "Enter" && item.matches(".hand")) held === item ? letGo() : hold(item);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

// Where an arrow leads: along the days, or down a day and on into the next duty; up from the first duty to the people.
function neighbour(item, isVertical, step) {
  const card = item.closest(".week-card");
  if (item.matches(".hand")) {
    if (!isVertical) return step < 0 ? item.previousElementSibling : item.nextElementSibling;
    return step > 0 ? card.querySelector(TARGET) : null;
  }
  const cell = item.closest("td");
  const at = targetsIn(cell).indexOf(item);
  if (isVertical && targetsIn(cell)[at + step]) return targetsIn(cell)[at + step];
  const onward = (element) => (step < 0 ? element.previousElementSibling : element.nextElementSibling);
  for (let next = onward(isVertical ? cell.parentElement : cell); next; next = onward(next)) {
    const there = targetsIn(isVertical ? next.cells[cell.cellIndex] : next);
    if (there.length) return isVertical ? there.at(step < 0 ? -1 : 0) : there[Math.min(at, there.length - 1)];
  }
  return isVertical && step < 0 ? card.querySelector(".hand") : null;
}

const targetsIn = (cell) => [...cell.querySelectorAll(TARGET)];

function focus(item) {
  (item?.matches(".hand") ? item : item?.querySelector("a"))?.focus();
}

const rowOf = (item) => item.closest("tr").dataset;
const partyOf = (item) => item.closest(".week-card").dataset.party;
const nameOf = (item) => (item.querySelector(".who") ?? item).textContent.trim();
const whenOf = (item) => `${item.closest("td").dataset.day} ${item.querySelector(".hours").textContent}`;

function fits(item, target) {
  if (item === target || partyOf(item) !== partyOf(target)) return false;
  if (target.matches(".turn")) return item.dataset.person !== target.dataset.person;
  return item.matches(".hand") || rowOf(item).duty === rowOf(target).duty;
}

function hold(item) {
  letGo();
  held = item;
  item.classList.add("held");
  say("held", { who: nameOf(item) });
}

function letGo() {
  held?.classList.remove("held");
  held = null;
  aim(null);
  say("");
}

function aim(target) {
  for (const aimed of weeks.querySelectorAll(".aimed")) if (aimed !== target) aimed.classList.remove("aimed");
  if (target && held && fits(held, target)) target.classList.add("aimed");
}

function put(target) {
  if (!held || !target) return;
  const item = held;
  if (!fits(item, target)) return say("unfit");
  if (target.matches(".hole")) return item.matches(".hand") ? fill(item, target) : move(item, target);
  return item.matches(".hand") ? give(item, target) : exchange(item, target);
}

// What a shift is now, as the form that would write it again.
function standing(turn) {
  const { shift, person, substitute, note, start, end } = turn.dataset;
  return { shift, person, substitute, note, start, end, party: partyOf(turn), duty: rowOf(turn).duty };
}

function give(hand, turn) {
  const before = standing(turn);
  const substitute = before.substitute === hand.dataset.person ? before.person : before.substitute;
  const words = { who: nameOf(hand), other: nameOf(turn), when: whenOf(turn) };
  return edit("change", { ...before, person: hand.dataset.person, substitute }, () => ["change", before], "given", words);
}

function fill(hand, hole) {
  const { start, end } = hole.dataset;
  const made = { party: partyOf(hole), duty: rowOf(hole).duty, person: hand.dataset.person, substitute: "", note: "", start, end };
  const back = () => ["remove", { ...made, shift: found(made)?.dataset.shift ?? "" }];
  return edit("add", made, back, "filled", { who: nameOf(hand), when: whenOf(hole) });
}

// A turn keeps its length where the gap is longer.
function move(turn, hole) {
  const before = standing(turn);
  const length = Math.min(lengthOf(before), lengthOf(hole.dataset));
  const moved = { ...before, start: hole.dataset.start, end: later(hole.dataset.start, length) };
  return edit("change", moved, () => ["change", before], "filled", { who: nameOf(turn), when: whenOf(hole) });
}

function exchange(turn, other) {
  const [one, two] = [standing(turn), standing(other)];
  const pair = { ...one, other: two.shift, other_duty: two.duty };
  return edit("exchange", pair, () => ["exchange", pair], "exchanged", { who: nameOf(turn), other: nameOf(other) });
}

function remove(turn) {
  const before = standing(turn);
  return edit("remove", before, () => ["add", before], "removed", { who: nameOf(turn), when: whenOf(turn) });
}

// Local times of one place and week: their distance is what a clock on the wall shows.
const lengthOf = ({ start, end }) => Date.parse(`${end}Z`) - Date.parse(`${start}Z`);
const later = (start, length) => new Date(Date.parse(`${start}Z`) + length).toISOString().slice(0, 16);

function found({ party, duty, person, start }) {
  const row = `.week-card[data-party="${CSS.escape(party)}"] tr[data-duty="${CSS.escape(duty)}"]`;
  return [...weeks.querySelectorAll(`${row} .turn`)].find((turn) => turn.dataset.person === person && turn.dataset.start === start);
}

function versionOf(party, duty) {
  return weeks.querySelector(`.week-card[data-party="${CSS.escape(party)}"] tr[data-duty="${CSS.escape(duty)}"]`)?.dataset.version ?? "";
}

async function edit(action, fields, back, key, words) {
  letGo();
  if (!(await send(action, fields))) return;
  done.push(back);
  say(key, words);
}

async function undo() {
  const back = done.pop();
  if (!back) return say("nothing");
  if (await send(...back())) say("undone");
}

async function send(action, fields) {
  if (isBusy) return false;
  isBusy = true;
  weeks.setAttribute("aria-busy", "true");
  const { edit: path, only, from } = weeks.dataset;
  const versions = { version: versionOf(fields.party, fields.duty) };
  if (fields.other_duty) versions.other_version = versionOf(fields.party, fields.other_duty);
  const csrf = document.querySelector("[name=csrf]").value;
  const form = new URLSearchParams({ ...fields, ...versions, only, from, csrf });
  const isDone = await answered(() => fetch(path + action, { method: "POST", body: form }));
  weeks.removeAttribute("aria-busy");
  isBusy = false;
  return isDone;
}

async function answered(ask) {
  try {
    const answer = await ask();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (page.getElementById("weeks")) lay(page.getElementById("weeks"), answer);
    else if (answer.ok) location.assign(answer.url);
    else {
      if (CHANGED.includes(answer.status)) await answered(() => fetch(location.href));
      write([...page.querySelectorAll("main h1, main h1 + p")].map((line) => line.textContent.trim()).join(" "), true);
    }
    return answer.ok;
  } catch {
    say("lost");
    return false;
  }
}

// The server's week in place of ours; eyes and hands stay where they were.
function lay(fresh) {
  const at = placeOf(document.activeElement);
  const scrolled = [...weeks.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
  weeks.replaceChildren(...fresh.childNodes);
  weeks.querySelectorAll(".scroll").forEach((box, place) => (box.scrollLeft = scrolled[place] ?? 0));
  // A form that was opened for a shift as it stood is not true any more.
  document.getElementById("edit")?.remove();
  makeDraggable();
  if (at && !weeks.contains(document.activeElement)) focus(itemAt(at));
}

function placeOf(element) {
  const item = weeks.contains(element) ? element.closest(ITEM) : null;
  if (!item) return null;
  if (item.matches(".hand")) return { party: partyOf(item), person: item.dataset.person };
  const cell = item.closest("td");
  return { party: partyOf(item), duty: rowOf(item).duty, column: cell.cellIndex, at: targetsIn(cell).indexOf(item) };
}

function itemAt({ party, person, duty, column, at }) {
  const card = weeks.querySelector(`.week-card[data-party="${CSS.escape(party)}"]`);
  if (person) return card?.querySelector(`.hand[data-person="${CSS.escape(person)}"]`);
  const there = targetsIn(card.querySelector(`tr[data-duty="${CSS.escape(duty)}"]`).cells[column]);
  return there[Math.min(at, there.length - 1)];
}

function say(key, words = {}) {
  const text = (told.dataset[key] ?? "").replace(/\{(\w+)\}/g, (_, name) => words[name] ?? "");
  write(text, key === "unfit" || key === "lost");
}

function write(text, isBad = false) {
  told.querySelector("p").textContent = text;
  told.classList.toggle("bad", isBad);
  told.querySelector("button").hidden = !done.length;
  told.hidden = !text && !done.length;
}
