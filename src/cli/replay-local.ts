/** Runs a recorded run in a process of its own, on this machine. */
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { IS_CLONE, PACKAGE_ROOT } from "../compiler/project-paths.ts";
import type { CommandHost, ExitCode } from "./command.ts";

/** The default port of debuggers. `npm run dev -- --inspect` may use the port already. */
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
export async function replayLocally(
  { file, task, inspect }: LocalReplay,
  host: CommandHost,
): Promise<ExitCode> {
  // Node goes on without a debugger if the port is in use.
  const port = inspect ? ((await listen(INSPECTOR_PORT)) ?? (await listen(0))) : null;
  const flags = [
    ...(IS_CLONE ? ["--conditions=peach-source"] : []),
    ...(port === null ? [] : [`--inspect-wait=127.0.0.1:${port}`]),
  ];
  const program = IS_CLONE ? "src/testing/replay-local.ts" : "dist/replay-local.js";
  const words = [file, ...(task === undefined ? [] : [task])];
  if (port !== null)
    host.err(`waits for a debugger on 127.0.0.1:${port}: attach VS Code or chrome://inspect`);
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

/** Listens on a port for a moment, 0 for any port. Returns the port; null if the port is in use. */
function listen(port: number): Promise<number | null> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(null));
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? (address?.port ?? null) : null));
    });
  });
}
