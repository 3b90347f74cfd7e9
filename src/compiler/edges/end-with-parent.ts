/**
 * Ends this process when its parent has ended. A thread looks: an endless loop in a pipeline's file
 * keeps the main thread from every event, also from the end of the channel to the parent.
 */
import process from "node:process";
import { Worker } from "node:worker_threads";

/** The program of the thread. Windows keeps the parent's id, so the thread also asks for it. */
const WATCH = `
const { workerData: parent } = require("node:worker_threads");
setInterval(() => {
  try {
    process.kill(parent, 0);
    if (process.ppid === parent) return;
  } catch {}
  process.kill(process.pid, "SIGKILL");
}, 500);
`;

/** Starts the thread, which does not keep this process alive. */
export function endWithParent(): void {
  new Worker(WATCH, { eval: true, workerData: process.ppid }).unref();
}
