// components/confirm.html is a <details> that holds the question and its form, so that it works without this script. Here
// the same content is shown as a modal dialog.

function ask(details: HTMLDetailsElement): void {
  const body = details.querySelector<HTMLElement>(".confirm-body");
  const summary = details.querySelector<HTMLElement>("summary");
  if (!body || !summary) return;

  const dialog = document.createElement("dialog");
  dialog.className = "confirm-dialog";
  dialog.setAttribute("aria-labelledby", body.querySelector(".confirm-title")?.id ?? "");
  dialog.append(body);
  document.body.append(dialog);
  dialog.addEventListener("click", (event) => {
    const target = event.target as Element;
    if (target === dialog || target.closest("[data-confirm-cancel]")) dialog.close();
  });
  dialog.addEventListener("close", () => {
    details.append(body);
    dialog.remove();
    summary.focus();
  });
  dialog.showModal();
  // What destroys must not be one thoughtless Enter away.
  const first = body.querySelector<HTMLElement>("[aria-invalid=true]") ?? body.querySelector<HTMLElement>("[data-confirm-cancel]");
  first?.focus();
}

export function startConfirming(): void {
  // An answer that was refused is asked for again at once.
  const refused = document.querySelector<HTMLDetailsElement>("details[data-confirm][open]");
  if (refused) ask(refused);
  document.addEventListener("click", (event) => {
    const summary = (event.target as Element).closest("details[data-confirm] > summary");
    if (!summary) return;
    event.preventDefault();
    ask(summary.parentElement as HTMLDetailsElement);
  });
}
