// The map's tiles: found by code once, for a nation has eleven thousand of them.
const VERDICTS = ["ready", "degraded", "at_risk", "down", "unknown", "untested"];
const SVG = "http://www.w3.org/2000/svg";

let found = null;

export function tiles() {
  found ??= new Map([...document.querySelectorAll("#tiles .tile")].map((tile) => [tile.dataset.code, tile]));
  return found;
}

// What a tile's commune is called, without its verdict.
export function nameOf(tile) {
  const label = tile.getAttribute("aria-label");
  return label.slice(0, label.lastIndexOf(": "));
}

export function verdictOf(tile) {
  return VERDICTS.find((verdict) => tile.classList.contains(verdict));
}

export function write(code, verdict, known) {
  const tile = tiles().get(code);
  if (!tile || tile.classList.contains(verdict)) return;
  const name = nameOf(tile);
  tile.classList.remove(...VERDICTS, "turned");
  tile.classList.add(verdict, "turned");
  signOf(tile).textContent = known[verdict]?.sign ?? "";
  tile.setAttribute("aria-label", `${name}: ${known[verdict]?.name ?? verdict}`);
}

// A large map writes no empty signs.
function signOf(tile) {
  const sign = tile.querySelector(".sign");
  if (sign) return sign;
  const made = document.createElementNS(SVG, "text");
  made.setAttribute("class", "sign");
  made.setAttribute("x", "24");
  made.setAttribute("y", "45");
  tile.append(made);
  return made;
}
