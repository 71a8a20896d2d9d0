import { element } from "./dom.js";
/** How near to its end a log is looked at there, px. */
const NEAR = 40;
/** Lines that a page holds; the oldest go. */
const MOST = 25_000;

/** Grows the log by its new lines; follows its end, and searches. @param {import("./live.js").Stream} stream */
export function followLog(stream) {
  const log = element("[data-log]", HTMLElement);
  const tools = document.querySelector(".logs .tools");
  const follow = element("[data-follow]", HTMLInputElement);
  const search = element("[data-search]", HTMLInputElement);
  const found = document.querySelector(".found");
  if (!log || !tools || !follow || !search || !found) return;
  tools.removeAttribute("hidden");

  const numbered = log.classList.contains("numbered");
  const toEnd = () => {
    if (follow.checked) log.scrollTop = log.scrollHeight;
  };
  /** @param {Element} line */
  const matches = (line) =>
    (line.textContent ?? "").toLowerCase().includes(search.value.trim().toLowerCase());
  const tellFound = () => {
    const shown = log.querySelectorAll(":scope > li:not([hidden])").length;
    found.textContent = search.value.trim() ? `${shown} lines` : "";
  };

  if (location.hash) follow.checked = false;
  toEnd();
  follow.addEventListener("change", toEnd);
  // Who scrolls away from the end reads; who scrolls back to it follows.
  log.addEventListener("scroll", () => {
    follow.checked = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
  });
  search.addEventListener("input", () => {
    for (const line of log.children) line.toggleAttribute("hidden", !matches(line));
    tellFound();
    toEnd();
  });
  document.addEventListener("keydown", (event) => {
    const writes = event.target instanceof HTMLElement && event.target.matches("input, textarea");
    if (event.key !== "/" || writes) return;
    event.preventDefault();
    search.focus();
  });

  stream.on("line", ({ kind, html }) => {
    const line = document.createElement("li");
    line.className = kind;
    // The server's own markup: all that an app or a build wrote is escaped in it.
    line.innerHTML = numbered ? `<span>${html}</span>` : html;
    if (numbered) line.prepend(address(line, log.children.length + 1));
    line.hidden = !matches(line);
    log.append(line);
    while (log.children.length > MOST) log.firstElementChild?.remove();
    tellFound();
    toEnd();
  });
}

/** Makes a line one that can be linked to. @param {HTMLElement} line @param {number} number */
function address(line, number) {
  line.id = `L${number}`;
  const link = document.createElement("a");
  link.href = `#L${number}`;
  link.ariaLabel = `Line ${number}`;
  return link;
}
