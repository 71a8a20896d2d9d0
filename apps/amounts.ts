const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** `12 MiB`, `1.4 GiB`. */
export function bytesText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < UNITS.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${value >= 10 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** `83 %`, of a share from 0 to 1. */
export function shareText(share: number): string {
  return `${share > 0 && share < 0.01 ? "< 1" : Math.round(share * 100)} %`;
}

/** `40 s`, `12 min`, `3 h`, `5 d`. */
export function spanText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}
