import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { Recorder } from "./recorder.ts";

/** Sends a report and ends, whether it is answered or not. */
const SENDER = `
  const [url, body] = process.argv.slice(1);
  const { port } = new URL(url);
  const socket = require("node:net").connect(port, "127.0.0.1", () => {
    socket.end("POST /report HTTP/1.1\\r\\nHost: recorder\\r\\nContent-Length: " + body.length + "\\r\\n\\r\\n" + body, () => process.exit());
  });
`;

it("a recorder that is drained has read what a process had sent before it ended", async () => {
  const recorder = await Recorder.start();
  const body = JSON.stringify({ run: "run_a", task: "a", attempt: 1, event: "start", data: null });
  // This process is held meanwhile, as by reading the table of processes.
  const { status, stderr } = spawnSync(process.execPath, ["-e", SENDER, recorder.url, body], { encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
  expect(recorder.reports("start")).toEqual([]);
  await recorder.drained();
  const drainedAt = Date.now();
  expect(recorder.reports("start")).toMatchObject([{ run: "run_a" }]);
  expect(recorder.reports("start")[0]?.at).toBeLessThanOrEqual(drainedAt);
  await recorder.stop();
});
