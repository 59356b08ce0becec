import htmx from "htmx.org";
import { refreshTimes } from "./times";

// A live part hears from the server when something has changed (server-sent events), while somebody looks at the page. Where
// the stream is not to be had, the part asks every few seconds instead, and the stream is tried for again. All of it ends
// when the part says that there is nothing more to come, or the server that there is nothing to see.
const POLL_MS = 5_000;
const FIRST_RETRY_MS = 2_000;
const LAST_RETRY_MS = 60_000;
// A page that nobody looks at holds no connection: browsers have few of them for one server.
const HIDDEN_MS = 10_000;

class LivePart {
  private source: EventSource | null = null;
  private streaming = false;
  private retryMs = FIRST_RETRY_MS;
  private retry = 0;
  private hiding = 0;
  private asking = 0;
  private readonly poll: number;

  constructor(
    private readonly part: HTMLElement,
    private readonly address: string,
  ) {
    this.poll = window.setInterval(() => this.ask(), POLL_MS);
    document.addEventListener("visibilitychange", this.looked);
    part.addEventListener("htmx:responseError", this.refused);
    if (!document.hidden) this.open();
  }

  private readonly looked = (): void => {
    window.clearTimeout(this.hiding);
    if (document.hidden) this.hiding = window.setTimeout(() => this.close(), HIDDEN_MS);
    else if (!this.source) this.open();
  };

  private readonly refused = (event: Event): void => {
    const { elt, xhr } = (event as CustomEvent<{ elt: Element; xhr: XMLHttpRequest }>).detail;
    if (elt === this.part && (xhr.status === 403 || xhr.status === 404)) this.end();
  };

  private open(): void {
    window.clearTimeout(this.retry);
    if (this.over()) return this.end();
    const seen = this.part.querySelector<HTMLInputElement>("input[name=seen]")?.value ?? "";
    const source = new EventSource(`${this.address}?seen=${encodeURIComponent(seen)}`);
    this.source = source;
    source.addEventListener("open", () => {
      this.streaming = true;
      this.retryMs = FIRST_RETRY_MS;
    });
    source.addEventListener("error", () => {
      this.streaming = false;
      // Otherwise the browser comes back by itself.
      if (source.readyState === EventSource.CLOSED) this.openLater();
    });
    source.addEventListener("changed", (event) => this.changedWithin(Number((event as MessageEvent<string>).data)));
    source.addEventListener("observed", (event) => this.observed((event as MessageEvent<string>).data));
    source.addEventListener("ended", () => this.end());
  }

  private openLater(): void {
    this.close();
    if (!document.hidden) this.retry = window.setTimeout(() => this.open(), this.retryMs);
    this.retryMs = Math.min(2 * this.retryMs, LAST_RETRY_MS);
  }

  private close(): void {
    window.clearTimeout(this.retry);
    this.source?.close();
    this.source = null;
    this.streaming = false;
  }

  private ask(): void {
    if (this.over()) this.end();
    else if (!this.streaming && !document.hidden) this.changed();
  }

  private changed(): void {
    htmx.trigger(this.part, "live:changed");
  }

  /** Where many look at the same thing, each asks for it at a moment of its own within so many milliseconds. */
  private changedWithin(spread: number): void {
    if (!(spread > 0)) return this.changed();
    if (this.asking) return;
    this.asking = window.setTimeout(() => {
      this.asking = 0;
      this.changed();
    }, Math.random() * spread);
  }

  /** Nothing is new but that AWS was asked again: only the age of what is shown changes. */
  private observed(moment: string): void {
    const time = this.part.querySelector<HTMLTimeElement>(".freshness time");
    if (!time) return this.changed();
    time.dateTime = moment;
    const [, day, month, year, clock] = new Date(moment).toUTCString().split(" ");
    time.title = `${Number(day)} ${month} ${year}, ${clock} UTC`; // as spoken_time's `exact` writes it
    refreshTimes(this.part);
  }

  private over(): boolean {
    return !this.part.isConnected || this.part.querySelector("[data-live-ended]") !== null;
  }

  private end(): void {
    this.close();
    window.clearInterval(this.poll);
    window.clearTimeout(this.hiding);
    document.removeEventListener("visibilitychange", this.looked);
    this.part.removeEventListener("htmx:responseError", this.refused);
  }
}

export function startLive(): void {
  for (const part of document.querySelectorAll<HTMLElement>("[data-live-stream]")) {
    new LivePart(part, part.dataset.liveStream ?? "");
  }
}
