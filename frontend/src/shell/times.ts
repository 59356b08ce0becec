// Relative times. The server renders the exact time; here it becomes "3 min ago" and keeps itself current. The clock is
// the server's (a meta element says its time at rendering), because "as of 3 s ago" must not depend on the reader's.

const UNITS: readonly (readonly [string, number])[] = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
];

const skew = (() => {
  const rendered = document.querySelector<HTMLMetaElement>('meta[name="server-time"]')?.content;
  const serverTime = rendered ? Date.parse(rendered) : NaN;
  return Number.isNaN(serverTime) ? 0 : serverTime - Date.now();
})();

function now(): number {
  return Date.now() + skew;
}

/** "1 min 4 s", "2 h 3 min": the two largest units, as portal_ui's `duration` writes them. */
export function spoken(seconds: number): string {
  let rest = Math.max(0, Math.floor(seconds));
  const parts: string[] = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${unit}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.length > 0 ? parts.join(" ") : "0 s";
}

function largestUnit(seconds: number): string {
  for (const [unit, size] of UNITS) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  }
  return "0 s";
}

function relative(seconds: number): string {
  if (seconds >= 0) return seconds < 1 ? "just now" : `${largestUnit(seconds)} ago`;
  return `in ${largestUnit(-seconds)}`;
}

function set(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function refreshTimes(root: ParentNode = document): void {
  for (const element of root.querySelectorAll<HTMLTimeElement>("time[data-ago]")) {
    const moment = Date.parse(element.dateTime);
    if (!Number.isNaN(moment)) set(element, relative((now() - moment) / 1000));
  }
  for (const element of root.querySelectorAll<HTMLElement>("[data-since]")) {
    const moment = Date.parse(element.dataset.since ?? "");
    if (!Number.isNaN(moment)) set(element, spoken((now() - moment) / 1000));
  }
}

export function startTimes(): void {
  refreshTimes();
  setInterval(() => {
    if (!document.hidden) refreshTimes();
  }, 1000);
}
