import htmx from "htmx.org";
import { startConfirming } from "./shell/confirming";
import { startCopying } from "./shell/copying";
import { startForms } from "./shell/forms";
import { startLive } from "./shell/live";
import { startMenus, startNavigation } from "./shell/navigation";
import { startSwaps } from "./shell/swaps";
import { startThemeSwitch } from "./shell/theme_switch";
import { startTimes } from "./shell/times";

// Pages that want to swap by script (and htmx's own extensions) look for it here.
Object.assign(window, { htmx });

startThemeSwitch();
startNavigation();
startMenus();
startTimes();
startCopying();
startConfirming();
startForms();
startSwaps();
startLive();
