/** The part of htmx's event details that the shell reads: https://htmx.org/events/ */
export type HtmxSwapEvent = CustomEvent<{
  xhr: XMLHttpRequest;
  target: Element;
  requestConfig: { path: string };
}>;
