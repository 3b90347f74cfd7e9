/** The theme, light or dark: the system's unless the user has chosen one in this browser. */
import { readStored, store } from "./stored.ts";

/** The choices. `system` follows prefers-color-scheme. */
export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

/** The key in the browser's local storage. */
const KEY = "peach-theme";

/** Reads the theme that was chosen in this browser. */
export function chosenTheme(): Theme {
  return THEMES.find((theme) => theme === readStored(KEY)) ?? "system";
}

/** Shows a theme without storing the choice. The style sheet reads the attribute `data-theme`. */
export function applyTheme(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}

/** Shows a theme and stores the choice. */
export function chooseTheme(theme: Theme): void {
  applyTheme(theme);
  store(KEY, theme);
}
