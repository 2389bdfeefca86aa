// Putting new HTML in place of old so that only what changed moves: what has a data-key and reads the same stays.
const MOVING = "[data-due], [data-ago], [data-left], [data-clock]";

// What an element says, without what ticks by itself or was marked by us.
function signature(element) {
  const copy = element.cloneNode(true);
  for (const moving of copy.querySelectorAll(MOVING)) {
    moving.textContent = "";
    moving.classList.remove("urgent");
  }
  copy.classList.remove("turned", "unread", "out");
  // A form's token is written anew each time and says nothing.
  for (const token of copy.querySelectorAll("[name=csrf]")) token.removeAttribute("value");
  // What somebody folded open or shut is theirs, not news.
  for (const folded of [copy, ...copy.querySelectorAll("details")]) folded.removeAttribute("open");
  return copy.outerHTML.replaceAll(' class=""', "");
}

// A form that somebody is filling in stays, whatever the page says now.
function isWritten(element) {
  const fields = [...element.querySelectorAll("textarea, input[type=file]")];
  return fields.some((field) => field.value) || Boolean(document.activeElement?.closest("form") && element.contains(document.activeElement));
}

function keyed(root) {
  return new Map([...root.querySelectorAll("[data-key]")].map((element) => [element.dataset.key, element]));
}

// Answers the keyed elements that are new or different.
export function patch(container, nodes) {
  const fresh = document.createDocumentFragment();
  fresh.append(...nodes);
  const old = keyed(container);
  const focused = document.activeElement;
  const focusKey = container.contains(focused) ? focused.closest("[data-key]")?.dataset.key : undefined;
  const changed = [];
  for (const [key, element] of keyed(fresh)) {
    const before = old.get(key);
    if (before && (signature(before) === signature(element) || isWritten(before))) element.replaceWith(before);
    else {
      element.classList.add("turned");
      changed.push({ key, element, isNew: !before });
    }
  }
  const scrolled = container.scrollTop;
  container.replaceChildren(fresh);
  container.scrollTop = scrolled;
  if (focusKey && !container.contains(document.activeElement)) {
    const again = container.querySelector(`[data-key="${CSS.escape(focusKey)}"]`);
    (again?.matches("a, button") ? again : again?.querySelector("a, button"))?.focus({ preventScroll: true });
  }
  return changed;
}

export function parsed(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return [...template.content.childNodes];
}
