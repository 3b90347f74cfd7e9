/** The lint rules of this project. */
import { visitImports } from "./imports.ts";
import { visitWaits } from "./waits.ts";

export default {
  meta: { name: "peach" },
  rules: { imports: { create: visitImports }, waits: { create: visitWaits } },
};
