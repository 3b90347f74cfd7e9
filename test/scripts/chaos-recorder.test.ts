import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, it } from "vitest";
import { Recorder } from "../../scripts/chaos/recorder.ts";

const folder = mkdtempSync(join(tmpdir(), "chaos-recorder-"));
afterAll(() => rmSync(folder, { recursive: true }));

let recorder: Recorder;
beforeEach(async () => {
  recorder = await Recorder.start(join(folder, "reports.ndjson"), () => {});
});
afterEach(() => recorder.close());

const BODY = JSON.stringify({ event: "poison", run: "run_1", task: "poison_item", attempt: 1 });

/** A connection over which somebody reports. */
async function connection(): Promise<Socket> {
  const { hostname, port } = new URL(recorder.url);
  const socket = connect(Number(port), hostname);
  await new Promise((connected) => socket.once("connect", connected));
  return socket;
}

function head(length: number): string {
  return `POST / HTTP/1.1\r\nHost: recorder\r\nContent-Length: ${length}\r\n\r\n`;
}

it("the recorder has written down all that a dead sender had sent before it says that it has", async () => {
  const socket = await connection();
  socket.end(head(BODY.length) + BODY);
  await recorder.drained();
  expect(recorder.reports).toEqual([{ event: "poison", run: "run_1", task: "poison_item", attempt: 1 }]);
});

it("the recorder takes no half report for one, and waits for nothing when nobody is connected", async () => {
  const socket = await connection();
  socket.write(head(BODY.length) + BODY.slice(0, 10));
  await new Promise((sent) => socket.write("", sent));
  const drained = recorder.drained();
  socket.destroy();
  await drained;
  expect(recorder.reports).toEqual([]);
  await recorder.drained();
});
