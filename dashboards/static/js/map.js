// The map by keyboard and pointer: arrows walk over tiles, the full name shows beside the one that is meant.
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function begin() {
  const map = document.getElementById("tiles");
  const hint = document.getElementById("hint");
  if (!map || !hint) return;
  const tiles = [...map.querySelectorAll(".tile")];
  const cells = new Map(tiles.map((tile) => [tile.dataset.cell, tile]));
  // One stop for the Tab key; arrows do the rest.
  tiles.forEach((tile, place) => tile.setAttribute("tabindex", place ? "-1" : "0"));

  const show = (tile) => {
    hint.textContent = tile.getAttribute("aria-label");
    hint.hidden = false;
    const [box, at] = [map.parentElement.getBoundingClientRect(), tile.querySelector("rect").getBoundingClientRect()];
    const left = Math.min(Math.max(0, at.left - box.left), box.width - hint.offsetWidth);
    const above = at.top - box.top - hint.offsetHeight - 6;
    hint.style.left = `${left}px`;
    hint.style.top = `${above < 0 ? at.bottom - box.top + 6 : above}px`;
  };
  const hide = () => (hint.hidden = true);
  map.addEventListener("pointerover", (event) => {
    const tile = event.target.closest(".tile");
    if (tile) show(tile);
  });
  map.addEventListener("pointerleave", hide);
  map.addEventListener("focusin", (event) => {
    const tile = event.target.closest(".tile");
    if (!tile) return;
    for (const each of tiles) each.setAttribute("tabindex", each === tile ? "0" : "-1");
    if (tile.matches(":focus-visible")) show(tile);
  });
  map.addEventListener("focusout", hide);
  map.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const tile = event.target.closest(".tile");
    if (!step || !tile) return;
    event.preventDefault();
    nearest(tile, step)?.focus();
  });

  // The next tile in that direction; a gap in the province is stepped over.
  function nearest(tile, [dx, dy]) {
    let [col, row] = tile.dataset.cell.split(",").map(Number);
    for (let distance = 1; distance < 40; distance += 1) {
      const found = cells.get(`${col + dx * distance},${row + dy * distance}`);
      if (found) return found;
    }
    return null;
  }
}
