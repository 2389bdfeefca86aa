// Narrowing an open board to a carrier, an area, a verdict: the same rules as dashboards/views/sieve.py, without a request.
import { onBoard } from "./live.js";
import { tiles, verdictOf } from "./tiles.js";

const words = (element, name) => (element.dataset[name] ?? "").split(" ");

export function begin() {
  const form = document.getElementById("sieve");
  if (!form) return;
  form.classList.add("quick");
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", () => narrow(form));
  document.getElementById("sieve-clear").addEventListener("click", (event) => {
    event.preventDefault();
    for (const field of form.querySelectorAll("select")) field.value = "";
    narrow(form);
    form.querySelector("select").focus();
  });
  document.querySelector(".counts")?.parentElement.addEventListener("click", (event) => {
    const item = event.target.closest("li");
    if (!item || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const field = form.elements.verdict;
    field.value = field.value === item.dataset.key ? "" : item.dataset.key;
    narrow(form);
  });
  onBoard(() => sift(form));
  sift(form);
}

function narrow(form) {
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  history.replaceState(null, "", query.size ? `/?${query}` : "/");
  sift(form);
}

function sift(form) {
  const [carrier, area, verdict] = ["carrier", "area", "verdict"].map((name) => form.elements[name]?.value ?? "");
  const fits = (element) => (!carrier || words(element, "by").includes(carrier)) && (!area || words(element, "in").includes(area));
  const narrows = Boolean(carrier || area || verdict);
  let kept = 0;
  for (const tile of tiles().values()) {
    const keeps = !narrows || (fits(tile) && (!verdict || verdictOf(tile) === verdict));
    tile.classList.toggle("out", !keeps);
    if (keeps) kept += 1;
  }
  for (const row of document.querySelectorAll(".rows .row")) row.classList.toggle("out", narrows && !fits(row));
  const told = document.getElementById("sieve-kept");
  const text = narrows ? told.dataset.said.replace("{kept}", kept).replace("{all}", tiles().size) : "";
  if (told.textContent !== text) told.textContent = text;
  document.getElementById("sieve-clear").hidden = !narrows;
  form.classList.toggle("narrows", narrows);
}
