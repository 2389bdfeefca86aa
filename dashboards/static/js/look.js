// "Probe now" in place: send the form, take over what was seen, leave the rest of the page alone.
export function begin() {
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-look]");
    if (!form) return;
    event.preventDefault();
    look(form);
  });
}

async function look(form) {
  const buttons = document.querySelectorAll("form[data-look] button");
  const place = document.getElementById("looked");
  for (const button of buttons) button.disabled = true;
  place.setAttribute("aria-busy", "true");
  try {
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(form.action, { method: "POST", body, headers: { accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const seen = page.getElementById("looked");
    // Signed out, or no such site any more: let the browser show what the server says.
    if (!seen) return form.submit();
    place.replaceChildren(...[...seen.childNodes].map((node) => document.adoptNode(node)));
    place.scrollIntoView({ block: "nearest" });
  } catch {
    form.submit();
  } finally {
    place.removeAttribute("aria-busy");
    for (const button of document.querySelectorAll("form[data-look] button")) button.disabled = false;
  }
}
