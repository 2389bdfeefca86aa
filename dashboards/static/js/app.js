// Entry. Every page works without any of this; with it, pages keep themselves true and answer to the keyboard.
import { begin as beginMoments } from "./moments.js";
import { begin as beginLive } from "./live.js";
import { begin as beginKeys } from "./keys.js";
import { begin as beginLook } from "./look.js";
import { begin as beginMap } from "./map.js";
import { begin as beginSieve } from "./sieve.js";
import { begin as beginSound } from "./sound.js";
import { begin as beginTour } from "./tour.js";

beginLive();
beginMoments();
beginKeys();
beginLook();
beginMap();
beginSieve();
beginSound();
beginTour();
// On a telephone the row of pages scrolls: the one that is open is not left outside.
const tabs = document.querySelector(".tabs");
const open = tabs?.querySelector("[aria-current]");
if (open) tabs.scrollLeft = open.offsetLeft - tabs.offsetLeft - 24;
if (document.getElementById("weeks")) {
  import("./week.js").then((week) => week.begin());
}
if (document.getElementById("charts")) {
  import("./charts.js").then((charts) => charts.begin());
}
