/**
 * The entry point of `peach <command>`, which is `npm run peach -- <command>` in a clone. The
 * commands that start the local runtime are programs of their own: they end by signals.
 */
import process from "node:process";
import { compile } from "./commands/compile.ts";
import { runAsProcess } from "./process-host.ts";
import { runCommand } from "./run.ts";
import { runOne } from "./run-one.ts";

const PROGRAMS: Readonly<Record<string, () => Promise<unknown>>> = {
  dev: () => import("./bin/dev.ts"),
  demo: () => import("./bin/demo.ts"),
  deploy: () => import("./bin/deploy.ts"),
};

const [name = "", ...args] = process.argv.slice(2);
const program = Object.hasOwn(PROGRAMS, name) ? PROGRAMS[name] : undefined;
if (program !== undefined) {
  // They read the arguments after the name.
  process.argv.splice(2, 1);
  await program();
} else if (name === "compile") await runAsProcess((host) => runOne(compile, args, host));
else await runAsProcess((host) => runCommand(process.argv.slice(2), host));
