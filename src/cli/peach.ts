/** `npm run peach -- <command>`. */
import { runAsProcess } from "./process-surroundings.ts";
import { runCommand } from "./run.ts";

await runAsProcess((surroundings) => runCommand(process.argv.slice(2), surroundings));
