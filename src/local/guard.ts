/**
 * Runs the local runtime, which never outlives the owner, however the owner ends.
 *
 * The guard leads a process group that contains the runtime and all further processes. The guard's
 * stdin is a pipe from the owner. The kernel closes the pipe when the owner dies, by SIGKILL too,
 * and the guard then kills the group. The guard also reads the runtime's output: a kept runtime
 * (the owner writes `keep` and leaves) never writes into a broken pipe.
 *
 * Usage: node guard.ts LOG_FILE PROGRAM [ARGUMENT...] (LOG_FILE takes the output of a kept runtime)
 */
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import type { Writable } from "node:stream";

/** The time for the runtime to end after SIGTERM, before the group is killed. */
const GRACE_MS = 5_000;

const [logFile = "", program = "", ...args] = process.argv.slice(2);
const runtime = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
let sink: Writable = process.stdout;
let kept = false;

/** Kills the whole group, the guard included. */
function killGroup(): void {
  process.kill(-process.pid, "SIGKILL");
}

/** Asks the runtime to end, and kills the group after the grace period. */
function endGracefully(): void {
  runtime.kill("SIGTERM");
  setTimeout(killGroup, GRACE_MS);
}

for (const output of [runtime.stdout, runtime.stderr])
  output.on("data", (chunk: Buffer) => sink.write(chunk));
// The owner has gone: the end of stdin decides what to do.
process.stdout.on("error", () => {});

process.stdin.on("data", (chunk: Buffer) => {
  if (!chunk.toString().includes("keep")) return;
  kept = true;
  sink = createWriteStream(logFile, { flags: "a" });
});
process.stdin.on("close", () => {
  if (!kept) killGroup();
});
process.on("SIGTERM", endGracefully);
process.on("SIGINT", endGracefully);
runtime.on("exit", killGroup);
runtime.on("error", killGroup);
