const ORDER = ["auto", "light", "dark"] as const;
type Choice = (typeof ORDER)[number];

const system = matchMedia("(prefers-color-scheme: dark)");

function current(): Choice {
  const choice = document.documentElement.dataset.themeChoice;
  return choice === "light" || choice === "dark" ? choice : "auto";
}

function apply(choice: Choice): void {
  const root = document.documentElement;
  root.dataset.themeChoice = choice;
  root.dataset.bsTheme = choice === "dark" || (choice === "auto" && system.matches) ? "dark" : "light";
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-theme-switch]")) {
    button.setAttribute("aria-label", `Theme: ${choice}. Change it.`);
    button.title = `Theme: ${choice}`;
  }
}

function remember(choice: Choice): void {
  try {
    localStorage.setItem("portal-theme", choice);
  } catch {
    // Storage can be denied; the choice then holds for this page only.
  }
}

/** One button that steps through auto, light and dark. */
export function startThemeSwitch(): void {
  apply(current());
  system.addEventListener("change", () => apply(current()));
  document.addEventListener("click", (event) => {
    const button = (event.target as Element).closest("[data-theme-switch]");
    if (!button) return;
    const next = ORDER[(ORDER.indexOf(current()) + 1) % ORDER.length] ?? "auto";
    remember(next);
    apply(next);
  });
}
