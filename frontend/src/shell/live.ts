import htmx from "htmx.org";

// Live parts hear from the server when something has changed (server-sent events). Where that does not get through, they
// ask every five seconds instead, and stop when the part says that it has ended.
const SECONDS = 5;

export function startLive(): void {
  const silent = new Set<HTMLElement>();
  document.addEventListener("htmx:sseError", (event) => silent.add(event.target as HTMLElement));
  for (const heard of ["htmx:sseOpen", "htmx:sseClose"]) {
    document.addEventListener(heard, (event) => silent.delete(event.target as HTMLElement));
  }
  setInterval(() => {
    for (const source of silent) {
      const part = source.isConnected && source.dataset.live ? document.querySelector(source.dataset.live) : null;
      if (!part || part.querySelector("[data-live-ended]")) silent.delete(source);
      else if (!document.hidden) htmx.trigger(part, "live:poll");
    }
  }, SECONDS * 1000);
}
