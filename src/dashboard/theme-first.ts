/** Applies the chosen theme before the first paint; otherwise the other theme would flash. */
import { applyTheme, chosenTheme } from "./theme.ts";

applyTheme(chosenTheme());
