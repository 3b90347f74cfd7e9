/** Runs a recorded run in a process of its own, on this machine. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { IS_CLONE, PACKAGE_ROOT } from "../compiler/project-paths.ts";
import type { CommandHost, ExitCode } from "./command.ts";

/** The port that a debugger attaches to. */
const INSPECTOR_PORT = 9229;

/** Options of a local replay. */
export interface LocalReplay {
  /** The file of the recording. */
  readonly file: string;
  readonly task: string | undefined;
  /** True waits until a debugger is attached. */
  readonly inspect: boolean;
}

/** Replays a recording. Resolves with 1 if anything differs from the recording. */
export function replayLocally(
  { file, task, inspect }: LocalReplay,
  host: CommandHost,
): Promise<ExitCode> {
  const flags = [
    ...(IS_CLONE ? ["--conditions=peach-source"] : []),
    ...(inspect ? [`--inspect-wait=127.0.0.1:${INSPECTOR_PORT}`] : []),
  ];
  const program = IS_CLONE ? "src/testing/replay-local.ts" : "dist/replay-local.js";
  const words = [file, ...(task === undefined ? [] : [task])];
  if (inspect)
    host.err(
      `waits for a debugger on 127.0.0.1:${INSPECTOR_PORT}: attach VS Code or chrome://inspect`,
    );
  const child = spawn(process.execPath, [...flags, join(PACKAGE_ROOT, program), ...words], {
    cwd: host.cwd,
    env: { ...process.env, ...host.env, NODE_OPTIONS: "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  createInterface({ input: child.stdout }).on("line", host.out);
  createInterface({ input: child.stderr }).on("line", host.err);
  host.signal.addEventListener("abort", () => child.kill());
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code === 0 ? 0 : 1));
  });
}
