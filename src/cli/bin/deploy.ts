/**
 * `peach deploy`: checks and compiles the project, then runs `wrangler deploy` with the arguments
 * given. What the check refuses is not deployed, whatever wrangler.toml says of a build.
 */
import { spawn } from "node:child_process";
import process from "node:process";
import { RuntimeStartError } from "../../local/runtime.ts";
import { wranglerProgram } from "../../local/wrangler-program.ts";
import type { CommandHost, ExitCode } from "../command.ts";
import { check } from "../commands/check.ts";
import { compile } from "../commands/compile.ts";
import { runAsProcess } from "../process-host.ts";
import { runOne } from "../run-one.ts";

const USAGE = `usage: npx peach deploy [ARGUMENT OF WRANGLER...]

Checks and compiles peach.conf and the pipelines, then runs wrangler deploy with the arguments, as in npx peach deploy --dry-run.
Exits with 1 if the check or the deployment fails.`;

async function deploy(args: readonly string[], host: CommandHost): Promise<ExitCode> {
  if (args.includes("--help") || args.includes("-h")) {
    host.out(USAGE);
    return 0;
  }
  const warned = { ...host, env: { ...host.env, PEACH_WARNED: "1" } };
  for (const [command, by] of [
    [check, host],
    [compile, warned],
  ] as const) {
    const code = await runOne(command, [], by);
    if (code !== 0) return code;
    if (host.signal.aborted) return 1;
  }
  try {
    return await wranglerDeploy(args, warned);
  } catch (error) {
    if (!(error instanceof RuntimeStartError)) throw error;
    host.err(`error: ${error.message}`);
    return 1;
  }
}

function wranglerDeploy(args: readonly string[], host: CommandHost): Promise<ExitCode> {
  const program = wranglerProgram(host.projectRoot);
  const child = spawn(process.execPath, [program, "deploy", ...args], {
    cwd: host.projectRoot,
    env: host.env,
    stdio: "inherit",
  });
  host.signal.addEventListener("abort", () => child.kill());
  return new Promise((done, reject) => {
    child.once("error", reject);
    child.once("close", (code) => done(code === 0 ? 0 : 1));
  });
}

await runAsProcess((host) => deploy(process.argv.slice(2), host));
