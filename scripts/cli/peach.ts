/** `npm run peach -- <command>`. */
import { resolve } from "node:path";
import { runCommand } from "./run.ts";

process.exitCode = await runCommand(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  repoRoot: resolve(import.meta.dirname, "../.."),
  out: (text) => console.log(text),
  err: (text) => console.error(text),
});
