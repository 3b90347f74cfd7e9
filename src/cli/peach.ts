/** The entry point of `npm run peach -- <command>`. */
import { runAsProcess } from "./process-host.ts";
import { runCommand } from "./run.ts";

await runAsProcess((host) => runCommand(process.argv.slice(2), host));
