/** @typedef {{ id: string, markup: string }} Part */

/** Parts that wait until nobody is in the middle of something there. @type {Map<string, Element>} */
const waiting = new Map();

/** Puts newer parts in the place of older ones. @param {Part[]} parts */
export function replaceParts(parts) {
  for (const { id, markup } of parts) {
    const template = document.createElement("template");
    template.innerHTML = markup;
    const fresh = template.content.firstElementChild;
    if (fresh) waiting.set(id, fresh);
  }
  show();
}

/** Takes over the parts of a page that was fetched. @param {Document} page */
export function replaceFrom(page) {
  for (const fresh of page.querySelectorAll("[data-part]")) {
    const id = fresh.getAttribute("data-part") ?? "";
    if (find(id)?.outerHTML !== fresh.outerHTML) waiting.set(id, document.adoptNode(fresh));
  }
  show();
}

document.addEventListener("toggle", show, true);
document.addEventListener("focusout", () => setTimeout(show));

function show() {
  const ready = [...waiting].filter(([id]) => !isBusy(find(id)));
  if (ready.length === 0) return;
  for (const [id] of ready) waiting.delete(id);
  const put = () => {
    for (const [id, fresh] of ready) put1(find(id), fresh);
  };
  const moved = ready.map(([id, fresh]) => lightOf(fresh) !== lightOf(find(id)));
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (moved.includes(true) && !calm && document.startViewTransition && !document.hidden) {
    // One that a newer one overtakes is skipped; the page is as it should be all the same.
    document.startViewTransition(put).ready.catch(() => {});
  } else put();
}

/** @param {Element | null} old @param {Element} fresh */
function put1(old, fresh) {
  if (!old) return;
  say(old, fresh);
  const open = [...old.querySelectorAll("details[open]")].map(keyOf);
  for (const one of fresh.querySelectorAll("details")) {
    if (open.includes(keyOf(one))) one.open = true;
  }
  const focused = old.contains(document.activeElement) ? keyOf(document.activeElement) : null;
  old.replaceWith(fresh);
  if (focused === null) return;
  const again = [...fresh.querySelectorAll("a, button, [tabindex]")].find(
    (one) => keyOf(one) === focused,
  );
  if (again instanceof HTMLElement) again.focus({ preventScroll: true });
}

/** What somebody reads before they confirm it, or is writing, stays as it is. @param {Element | null} part */
function isBusy(part) {
  if (!part) return false;
  const active = document.activeElement;
  const writes = active instanceof HTMLElement && active.matches("input, textarea, select");
  return part.querySelector(":popover-open") !== null || (writes && part.contains(active));
}

/** Tells who cannot see it what has changed. @param {Element} old @param {Element} fresh */
function say(old, fresh) {
  const said = document.querySelector("#said");
  const light = lightOf(fresh);
  const steps = fresh.querySelectorAll(".steps li");
  const step = steps[steps.length - 1]?.querySelector("a")?.textContent;
  const before = [...old.querySelectorAll(".steps a")].map((one) => one.textContent);
  if (!said) return;
  if (light && light !== lightOf(old)) said.textContent = `${light} is live now`;
  else if (step && !before.includes(step)) said.textContent = step;
}

/** The colour that is lit in a part. @param {Element | null} part */
function lightOf(part) {
  const lit = part?.querySelector(".lane.live, .lanes .live");
  return ["blue", "green"].find((colour) => lit?.classList.contains(colour)) ?? "";
}

/** What an element is, when another takes its place. @param {Element | null} one */
function keyOf(one) {
  const near = one?.closest("[id]")?.id ?? "";
  const text = one?.querySelector("summary")?.textContent ?? one?.textContent;
  return `${near} ${one?.tagName} ${one?.getAttribute("href") ?? text?.trim()}`;
}

/** @param {string} id @returns {Element | null} */
function find(id) {
  return document.querySelector(`[data-part="${CSS.escape(id)}"]`);
}
