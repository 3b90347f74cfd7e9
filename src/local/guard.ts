/**
 * Runs the local runtime so that it never outlives its owner, however the owner ends.
 *
 * The guard leads a process group of its own, in which the runtime and all that it starts live. Its stdin is a pipe from the
 * owner: the kernel closes it when the owner dies, by SIGKILL too, and the guard then kills the group. It also reads the
 * runtime's output, so that a runtime that is kept (the owner writes `keep` and leaves) never writes into a broken pipe.
 *
 * Usage: node guard.ts LOG_FILE PROGRAM [ARGUMENT...]   (LOG_FILE takes the output of a runtime that is kept)
 */
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import type { Writable } from "node:stream";

/** How long the runtime may take to end by itself. */
const GRACE_MS = 5_000;

const [logFile = "", program = "", ...args] = process.argv.slice(2);
const runtime = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
let sink: Writable = process.stdout;
let kept = false;

function killGroup(): void {
  process.kill(-process.pid, "SIGKILL");
}

function endGracefully(): void {
  runtime.kill("SIGTERM");
  setTimeout(killGroup, GRACE_MS);
}

for (const output of [runtime.stdout, runtime.stderr])
  output.on("data", (chunk: Buffer) => sink.write(chunk));
// Nobody reads any more: the end of stdin says what to do about it.
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
