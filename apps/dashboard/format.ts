import { html, type Html } from "./html.ts";

/** When something was, as people say it; the page's script keeps it current. */
export function when(at: number): Html {
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}" title="${iso}">${agoText(at, Date.now())}</time>`;
}

function agoText(at: number, now: number): string {
  if (at > now) {
    const ahead = Math.ceil((at - now) / 60_000);
    if (ahead < 60) return `in ${ahead} min`;
    return ahead < 2880 ? `in ${Math.round(ahead / 60)} h` : `in ${Math.round(ahead / 1440)} d`;
  }
  const minutes = Math.floor((now - at) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 2880) return `${Math.floor(minutes / 60)} h ago`;
  return `${Math.floor(minutes / 1440)} d ago`;
}

/** When something will be, and how far off that is. */
export function until(at: number): Html {
  const iso = new Date(at).toISOString();
  return html`${iso.slice(0, 16).replace("T", " ")},
    <time datetime="${iso}">${agoText(at, Date.now())}</time>`;
}

/** "38 ms", "4.2 s", "3 min 20 s". */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** A rate, a share or a time with as many digits as one looks at. */
export function digits(value: number): string {
  if (value === 0) return "0";
  if (value < 10) return value.toFixed(1);
  return Math.round(value).toLocaleString("en");
}

/** "12 MB"; a MB is 1024 × 1024 bytes. */
export function megabytes(bytes: number): string {
  return bytes < 1024 ** 3
    ? `${Math.round(bytes / 1024 ** 2)} MB`
    : `${(bytes / 1024 ** 3).toFixed(1)} GB`;
}

/** The first seven digits, as git shows it. */
export function commit(full: string | undefined): Html {
  return full ? html`<code>${full.slice(0, 7)}</code>` : html``;
}

/** "3 instances", "1 instance". */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}
