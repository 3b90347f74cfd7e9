/**
 * `npm run compile`: compiles peach.conf and the pipelines to src/generated. `wrangler` runs it
 * before every build.
 */
import { compile } from "../commands/compile.ts";
import { runAsProcess } from "../process-host.ts";
import { runOne } from "../run-one.ts";

await runAsProcess((host) => runOne(compile, process.argv.slice(2), host));
