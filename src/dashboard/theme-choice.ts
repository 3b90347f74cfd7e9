/** The chosen theme as the page shows it; theme.ts applies and keeps it. */
import { signal } from "@preact/signals";
import { chosenTheme, chooseTheme, type Theme } from "./theme.ts";

/** The current choice. */
export const theme = signal<Theme>(chosenTheme());

/** Chooses a theme for this browser. */
export function setTheme(name: Theme): void {
  theme.value = name;
  chooseTheme(name);
}
