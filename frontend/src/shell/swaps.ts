import type { HtmxSwapEvent } from "./htmx_events";
import { announce } from "./announce";
import { focusErrors } from "./forms";
import { refreshTimes } from "./times";

const opened = new Set<string>();

function showProblem(html: string): void {
  const region = document.getElementById("messages");
  if (!region) return;
  const fragment = new DOMParser().parseFromString(html, "text/html").querySelector("[role=alert]");
  if (fragment) {
    region.replaceChildren(document.importNode(fragment, true));
  } else {
    const paragraph = document.createElement("p");
    paragraph.className = "alert alert-danger";
    paragraph.setAttribute("role", "alert");
    paragraph.textContent =
      "The portal could not do this just now. Reload the page to see where things stand, then try again.";
    region.replaceChildren(paragraph);
  }
  region.scrollIntoView({ block: "nearest" });
}

function signedOut(answered: string, asked: string): boolean {
  const signIn = document.body.dataset.signInUrl;
  if (!signIn || !answered) return false;
  const path = new URL(answered, location.href).pathname;
  return path === signIn && path !== new URL(asked, location.href).pathname;
}

/** What every part that htmx replaces needs, wherever the page is: times, focus, opened details, problems said in words. */
export function startSwaps(): void {
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, target, requestConfig } = (event as HtmxSwapEvent).detail;
    if (signedOut(xhr.responseURL, requestConfig.path)) {
      event.preventDefault();
      location.reload(); // the whole page goes to sign-in, and comes back to this address afterwards
      return;
    }
    opened.clear();
    for (const details of target.querySelectorAll<HTMLDetailsElement>("details[id][open]")) opened.add(details.id);
  });
  // At once, not when the new content has settled: another swap may begin before that, and would find them closed.
  document.addEventListener("htmx:afterSwap", () => {
    for (const id of opened) {
      const details = document.getElementById(id);
      if (details instanceof HTMLDetailsElement) details.open = true;
    }
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    const target = event.target as Element;
    const root = target.isConnected ? target : document;
    refreshTimes(root);
    focusErrors(root);
    const said = root.querySelector<HTMLElement>("[data-announce]")?.textContent?.trim();
    if (said) announce(said);
  });
  document.addEventListener("htmx:responseError", (event) => {
    showProblem((event as HtmxSwapEvent).detail.xhr.responseText);
  });
  document.addEventListener("htmx:sendError", () => showProblem(""));
  document.addEventListener("htmx:timeout", () => showProblem(""));
}
