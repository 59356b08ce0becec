/** Says something to a screen reader without moving the focus. */
export function announce(text: string): void {
  const region = document.getElementById("announcer");
  if (!region) return;
  // The same sentence twice would not be read again: an empty region in between makes it a change.
  region.textContent = "";
  requestAnimationFrame(() => {
    region.textContent = text;
  });
}
