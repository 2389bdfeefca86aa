// Delay and loss of each target of a site, drawn by uPlot; the tables below carry the same for everybody.
import uPlot from "../vendor/uplot/uPlot.esm.js";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export async function begin() {
  const box = document.getElementById("charts");
  let told;
  try {
    told = await (await fetch(box.dataset.url)).json();
  } catch {
    return;
  }
  const zone = document.body.dataset.zone;
  const names = Object.keys(told.targets);
  for (const name of names) draw(box, name, told.targets[name], told, zone);
}

function draw(box, name, columns, told, zone) {
  const title = document.createElement("h3");
  title.textContent = name;
  const place = document.createElement("div");
  box.append(title, place);
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--rule"), width: 1 }, ticks: { stroke: colour("--rule") }, font: "12px Be Vietnam Pro" };
  const options = {
    width: box.clientWidth,
    height: 150,
    cursor: { sync: { key: "site" }, drag: { x: false, y: false } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), zone),
    scales: { x: { min: told.since, max: told.until, auto: false }, ms: { range: (_, __, most) => [0, Math.max(1, (most || 0) * 1.15)] }, loss: { range: [0, 100] } },
    axes: [
      { ...axis, values: "{HH}:{mm}", space: 70 },
      { ...axis, scale: "ms", size: 56, values: (_, ticks) => ticks.map((value) => `${value.toLocaleString(document.documentElement.lang)} ms`) },
      { ...axis, scale: "loss", side: 1, size: 50, grid: { show: false }, values: (_, ticks) => ticks.map((value) => `${value} %`) },
    ],
    series: [
      { label: box.dataset.time, value: "{HH}:{mm}" },
      { label: box.dataset.delay, scale: "ms", stroke: colour("--chart-delay"), width: 1.5, points: { show: false } },
      { label: box.dataset.loss, scale: "loss", stroke: colour("--chart-loss"), fill: `${colour("--chart-loss")}40`, width: 1, points: { show: false }, paths: uPlot.paths.stepped({ align: 1 }) },
    ],
  };
  const plot = new uPlot(options, [columns.at, columns.rtt, columns.loss], place);
  new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: 150 })).observe(box);
}
