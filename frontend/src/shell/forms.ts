import { announce } from "./announce";

/** After a refused form the summary of errors takes the focus, so that nobody has to search for what went wrong. */
export function focusErrors(root: ParentNode = document): void {
  root.querySelector<HTMLElement>("[data-form-errors]")?.focus();
}

/** A link in the summary of errors goes to the control itself, not only to the place on the page. */
function startErrorLinks(): void {
  document.addEventListener("click", (event) => {
    const link = (event.target as Element).closest<HTMLAnchorElement>("[data-form-errors] a[href^='#']");
    const control = link && document.getElementById(link.hash.slice(1));
    if (!control) return;
    event.preventDefault();
    const focusable = control.matches("input, select, textarea, button")
      ? control
      : control.querySelector<HTMLElement>("input, select, textarea, .cm-content");
    (focusable ?? control).focus();
    control.scrollIntoView({ block: "center" });
  });
}

function release(form: HTMLFormElement): void {
  delete form.dataset.sent;
  form.querySelectorAll("button[aria-disabled]").forEach((button) => button.removeAttribute("aria-disabled"));
}

/** A form that acts on AWS is sent once, however often its button is pressed. */
function startSendOnce(): void {
  document.addEventListener("submit", (event) => {
    const form = event.target as HTMLFormElement;
    if (event.defaultPrevented || form.method.toLowerCase() !== "post") return;
    if (form.dataset.sent !== undefined) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "";
    form.querySelectorAll("button:not([type=button])").forEach((button) => button.setAttribute("aria-disabled", "true"));
    announce("Sending.");
    // When the answer never comes (a stopped page load), the person may try again; the server starts nothing twice.
    setTimeout(() => release(form), 15_000);
  });
  // A page restored by the Back button must be usable again.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    document.querySelectorAll<HTMLFormElement>("form[data-sent]").forEach(release);
  });
}

export function startForms(): void {
  focusErrors();
  startErrorLinks();
  startSendOnce();
}
