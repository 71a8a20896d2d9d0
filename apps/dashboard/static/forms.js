import { element } from "./dom.js";
import { replaceFrom } from "./parts.js";

/**
 * Sends forms without leaving the page, so that what they do can be watched. What a form answers
 * once (a new secret) is a page of its own: such forms say `data-plain`.
 */
export function sendForms() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.closest("main")) return;
    if (form.method !== "post" || "plain" in form.dataset || form.closest(".sign-in")) return;
    event.preventDefault();
    void send(form, event.submitter);
  });
}

/** @param {HTMLFormElement} form @param {HTMLElement | null} submitter */
async function send(form, submitter) {
  const body = new URLSearchParams(
    [...new FormData(form, submitter)].map(([name, value]) => [
      name,
      typeof value === "string" ? value : value.name,
    ]),
  );
  form.querySelector(".alert")?.remove();
  sayDone(false);
  form.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, { method: "POST", body });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok) refuse(form, page);
    else if (new URL(answer.url).pathname !== location.pathname) location.assign(answer.url);
    else {
      const dialog = form.closest("[popover]");
      if (dialog instanceof HTMLElement) dialog.hidePopover();
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
      if (form.matches(".sheet")) form.reset();
      replaceFrom(page);
      sayDone(true);
    }
  } catch {
    refuse(form, null);
  }
  form.removeAttribute("aria-busy");
}

let leaving = 0;

/** Says that it is done, aloud and for a while in sight. @param {boolean} done */
function sayDone(done) {
  const [said, toast] = [element("#said", HTMLElement), element("#done", HTMLElement)];
  clearTimeout(leaving);
  if (toast) toast.hidden = !done;
  if (!done) return;
  if (said) said.textContent = "Done";
  leaving = setTimeout(() => toast && (toast.hidden = true), 4000);
}

/** @param {HTMLFormElement} form @param {Document | null} page */
function refuse(form, page) {
  const alert = document.createElement("p");
  alert.className = "alert";
  alert.setAttribute("role", "alert");
  const failure = page?.querySelector(".failure");
  const said = [...(failure?.querySelectorAll("h1, h1 + p") ?? [])].map((one) => one.textContent);
  alert.textContent = said.join(" ") || "The platform does not answer. Try again in a moment.";
  form.append(alert);
}
