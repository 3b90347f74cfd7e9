/** Runs before the page is drawn, so that a chosen theme does not flash the other one first. */
import { applyTheme, chosenTheme } from "./theme.ts";

applyTheme(chosenTheme());
