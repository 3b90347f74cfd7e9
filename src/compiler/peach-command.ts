/** The command lines that texts for users name. */
import { IS_CLONE } from "./project-paths.ts";

/** The beginning of a command of Peach: the script of a clone, or the program of a package. */
export const PEACH = IS_CLONE ? "npm run peach --" : "npx peach";
