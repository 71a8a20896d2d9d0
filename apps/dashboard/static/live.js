import { element } from "./dom.js";
import { replaceParts } from "./parts.js";

/**
 * @typedef {{ on(event: string, heard: (data: any) => void): void }} Stream the page's events
 */

/** How long after a refusal it is tried again, ms. */
const AGAIN = [500, 1000, 2000, 4000];

/** How long it waits for an answer then, ms. */
const PATIENCE = 10_000;

/** How long a page that nobody sees keeps its stream, ms. */
const UNSEEN = 10_000;

/**
 * Opens the page's stream. It goes on where it was, whatever breaks off: the browser asks again by
 * itself after a cut, and this does after a refusal. A page that nobody sees gives its stream up
 * until somebody does: over HTTP/1.1 a browser has six connections for all its tabs.
 * @returns {Stream | null} null for a page that has none
 */
export function keepCurrent() {
  const main = document.querySelector("main");
  const path = main?.dataset["live"];
  if (!main || !path) return null;
  /** @type {Map<string, (data: any) => void>} */
  const heard = new Map();
  let last = main.dataset["from"] ?? "";
  let refusals = 0;
  /** @type {EventSource | null} */
  let events = null;
  let unseen = 0;

  /** @param {string} name @param {(data: any) => void} act */
  const on = (name, act) => void heard.set(name, act);
  on("parts", replaceParts);
  on("reload", () => location.reload());

  function open() {
    const joint = path?.includes("?") ? "&" : "?";
    if (document.hidden) return;
    const opened = new EventSource(`${path}${joint}from=${encodeURIComponent(last)}`);
    events = opened;
    opened.addEventListener("open", () => {
      refusals = 0;
      tell(true);
    });
    opened.addEventListener("error", () => {
      tell(false);
      if (opened.readyState !== EventSource.CLOSED) return;
      events = null;
      setTimeout(look, AGAIN[refusals] ?? 8000);
    });
    for (const [name, act] of heard) {
      opened.addEventListener(name, (event) => {
        last = event.lastEventId || last;
        act(JSON.parse(event.data));
      });
    }
  }

  /** After a refusal: is the page still there, and who looks at it signed in? */
  async function look() {
    refusals += 1;
    try {
      const page = await askAgain();
      if (page.type === "opaqueredirect" || page.status === 404) location.reload();
      else if (!events) open();
    } catch {
      setTimeout(look, AGAIN[refusals] ?? 8000);
    }
  }

  document.addEventListener("visibilitychange", () => {
    clearTimeout(unseen);
    if (!document.hidden) return events ? undefined : open();
    unseen = setTimeout(() => {
      events?.close();
      events = null;
    }, UNSEEN);
  });
  // Once all that listen have said so.
  queueMicrotask(open);
  return { on };
}

/** Asks for a page that there was no answer for until there is one. */
export function comeAgain() {
  if (!document.querySelector("main [data-comes]")) return;
  let tries = 0;
  const ask = async () => {
    const page = await askAgain().catch(() => null);
    if (page && page.status !== 503) location.reload();
    else setTimeout(ask, AGAIN[++tries] ?? 8000);
  };
  setTimeout(ask, AGAIN[0]);
}

/** The page anew; rejects when nothing comes. */
function askAgain() {
  return fetch(location.href, { redirect: "manual", signal: AbortSignal.timeout(PATIENCE) });
}

/** @param {boolean} connected */
function tell(connected) {
  const sign = element("[data-link]", HTMLElement);
  if (!sign) return;
  sign.hidden = false;
  sign.dataset["link"] = connected ? "on" : "off";
  sign.textContent = connected ? "live" : "reconnecting";
}
