import { announce } from "./announce";

async function copy(button: HTMLElement): Promise<void> {
  const what = button.dataset.copyLabel ?? "Text";
  try {
    await navigator.clipboard.writeText(button.dataset.copy ?? "");
  } catch {
    announce(`The browser did not allow copying. Select the text and copy it yourself.`);
    return;
  }
  announce(`${what} copied.`);
  button.dataset.copied = "";
  setTimeout(() => delete button.dataset.copied, 1500);
}

export function startCopying(): void {
  document.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-copy]");
    if (button) void copy(button);
  });
}
