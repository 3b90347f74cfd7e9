import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { RuntimeStartError } from "./start-error.ts";

/** Finds the project's own wrangler, a script for Node. Says how to install it if there is none. */
export function wranglerProgram(projectRoot: string): string {
  const require = createRequire(join(projectRoot, "package.json"));
  try {
    return join(dirname(require.resolve("wrangler/package.json")), "bin", "wrangler.js");
  } catch {
    throw new RuntimeStartError(
      `${projectRoot} has no wrangler: npm install --save-dev wrangler, or npm install if package.json names it already`,
    );
  }
}
