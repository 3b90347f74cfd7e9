/** `npm run compile`: peach.conf and the pipelines to src/generated. `wrangler` calls it before every build. */
import { resolve } from "node:path";
import { compile } from "./cli/compile.ts";

process.exitCode = await compile.run(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  repoRoot: resolve(import.meta.dirname, ".."),
  out: (text) => console.log(text),
  err: (text) => console.error(text),
});
