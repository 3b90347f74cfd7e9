/** `npm run compile`: peach.conf and the pipelines to src/generated. `wrangler` calls it before every build. */
import { compile } from "./cli/compile.ts";
import { runAsProcess } from "./cli/process-surroundings.ts";
import { runOne } from "./cli/run-one.ts";

await runAsProcess((surroundings) => runOne(compile, process.argv.slice(2), surroundings));
