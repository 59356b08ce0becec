// Without this script the toggle is a link to #navigation, which the style sheet opens by :target.
export function startNavigation(): void {
  const toggle = document.querySelector<HTMLAnchorElement>("[data-navigation-toggle]");
  const navigation = document.getElementById("navigation");
  if (!toggle || !navigation) return;

  const show = (open: boolean): void => {
    navigation.classList.toggle("is-open", open);
    toggle.setAttribute("aria-expanded", String(open));
  };
  toggle.setAttribute("role", "button");
  toggle.setAttribute("aria-controls", "navigation");
  show(false);

  toggle.addEventListener("click", (event) => {
    event.preventDefault();
    show(!navigation.classList.contains("is-open"));
  });
  toggle.addEventListener("keydown", (event) => {
    if (event.key !== " ") return; // a button answers to the space bar, a link does not
    event.preventDefault();
    toggle.click();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !navigation.classList.contains("is-open")) return;
    show(false);
    toggle.focus();
  });
}

/** Menus are <details>: they close when one clicks elsewhere or presses Escape, as menus do. */
export function startMenus(): void {
  const close = (except: Element | null): void => {
    for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
      if (menu !== except) menu.open = false;
    }
  };
  document.addEventListener("click", (event) => close((event.target as Element).closest("details.menu")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector<HTMLDetailsElement>("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary")?.focus();
  });
}
