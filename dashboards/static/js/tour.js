// The first look around, one step at a time, beside the part of the board that it speaks of. The board stays usable:
// nothing is covered up or locked, Escape ends it.
export function begin() {
  const tour = document.getElementById("tour");
  if (!tour) return;
  const steps = [...tour.querySelectorAll("li")];
  const [back, next, form] = [tour.querySelector("[data-back]"), tour.querySelector("[data-next]"), tour.querySelector("form")];
  const told = document.getElementById("tour-at");
  let at = 0;

  const show = () => {
    for (const pointed of document.querySelectorAll(".pointed")) pointed.classList.remove("pointed");
    steps.forEach((step, place) => (step.hidden = place !== at));
    document.querySelector(steps[at].dataset.place)?.classList.add("pointed");
    told.textContent = told.dataset.said.replace("{step}", at + 1).replace("{all}", steps.length);
    back.hidden = at === 0;
    next.hidden = at === steps.length - 1;
  };
  const go = (by) => {
    at += by;
    show();
    // The button that was pressed may be gone: the reader stays in the panel.
    (next.hidden ? tour.querySelector("[data-done]") : next).focus();
  };
  back.addEventListener("click", () => go(-1));
  next.addEventListener("click", () => go(1));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    end();
  });
  tour.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    end();
  });

  async function end() {
    const sent = fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "manual" });
    document.querySelector(".pointed")?.classList.remove("pointed");
    tour.remove();
    if (location.search.includes("tour")) history.replaceState(null, "", "/");
    document.getElementById("main").focus({ preventScroll: true });
    await sent.catch(() => undefined);
  }
  tour.setAttribute("aria-live", "polite");
  show();
}
