import { element } from "./dom.js";
/** Shows only what holds the words typed. */
export function findAsTyped() {
  const input = element("[data-find]", HTMLInputElement);
  if (!input) return;
  input.closest("label")?.removeAttribute("hidden");
  input.addEventListener("input", () => {
    const words = input.value.trim().toLowerCase();
    for (const item of document.querySelectorAll(input.dataset["find"] ?? "")) {
      const text = item.getAttribute("data-text") ?? item.textContent ?? "";
      item.toggleAttribute("hidden", !text.toLowerCase().includes(words));
    }
  });
}

/** Keeps "3 min ago" true. */
export function keepTimes() {
  setInterval(() => {
    for (const time of document.querySelectorAll("time")) time.textContent = ago(time.dateTime);
  }, 20_000);
}

/** @param {string} iso */
function ago(iso) {
  const ms = Date.now() - Date.parse(iso);
  const ahead = Math.ceil(-ms / 60_000);
  if (ms < 0 && ahead < 60) return `in ${ahead} min`;
  if (ms < 0) {
    return ahead < 2880 ? `in ${Math.round(ahead / 60)} h` : `in ${Math.round(ahead / 1440)} d`;
  }
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 2880) return `${Math.floor(minutes / 60)} h ago`;
  return `${Math.floor(minutes / 1440)} d ago`;
}
