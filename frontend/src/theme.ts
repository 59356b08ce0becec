// Loaded before the first paint (not deferred), so that a chosen theme never flashes in after the page.
// Without a choice the operating system's preference holds, which the style sheet alone takes care of.
const chosen = (() => {
  try {
    return localStorage.getItem("portal-theme");
  } catch {
    return null; // storage can be denied; the preference of the system holds then
  }
})();
const root = document.documentElement;
root.classList.add("js");
root.dataset.themeChoice = chosen === "light" || chosen === "dark" ? chosen : "auto";
const dark =
  root.dataset.themeChoice === "dark" ||
  (root.dataset.themeChoice === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
root.dataset.bsTheme = dark ? "dark" : "light";
