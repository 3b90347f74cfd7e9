import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { portrait, specimens } from "./fixtures/payloads/specimens.ts";
import { TELLS_MEMORY } from "../../scripts/resident-memory.ts";
import { WorkerMemory } from "./memory.ts";
import { Stage } from "./stage.ts";

const MEGABYTE = 1_000_000;
const STREAM_BYTES = 64 * 1024 * 1024;
const STREAM_LIMIT_MS = 110_000;
const UNTOLD = "this machine does not tell what a process holds";

let stage: Stage;
/** What the worker held before it had done anything. */
let idle = 0;
beforeAll(async () => {
  stage = await Stage.open("payloads");
  if (TELLS_MEMORY) {
    const memory = await WorkerMemory.open(stage.runtime);
    idle = await memory.live();
    memory.close();
  }
  return () => stage.close();
});

describe("from task to task", () => {
  //   make ──▶ relay ──▶ judge
  it.for(Object.entries(specimens))("%s comes out as it went in", async ([specimen, make]) => {
    const { run_id } = await stage.peach.trigger("make", { specimen });
    expect(await stage.peach.finished(run_id)).toMatchObject({ status: "succeeded" });

    // A task that passes undefined passes null.
    const expected = await portrait(make() ?? null);
    expect(stage.recorder.of(run_id, "judged")).toMatchObject([{ data: expected }]);
    expect(stage.recorder.of(run_id, "read")).toMatchObject([{ data: expected }]);
  });
});

describe("by HTTP, in and out", () => {
  const text = "Pfirsich, 桃, 🍑, \u0000";
  const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7) ^ (index >>> 8));
  const million = JSON.stringify(Array.from({ length: 40_000 }, (_, index) => ({ index, text: "peach" })));
  const cases: readonly (readonly [
    string,
    { sent: string; body: string | Uint8Array<ArrayBuffer>; seen: unknown; type?: string },
  ])[] = [
    ["JSON null", { sent: "application/json", body: "null", seen: null }],
    ["an empty JSON string", { sent: "application/json", body: '""', seen: "", type: "text/plain; charset=utf-8" }],
    ["JSON with lone surrogates", { sent: "application/json", body: '["\\ud83c"]', seen: ["\ud83c"] }],
    ["1 MB of JSON", { sent: "application/json", body: million, seen: JSON.parse(million) }],
    ["an empty text", { sent: "text/plain; charset=utf-8", body: "", seen: "" }],
    ["a text", { sent: "text/plain; charset=utf-8", body: text, seen: text }],
    ["bytes", { sent: "application/octet-stream", body: bytes, seen: bytes }],
    ["an empty body of bytes", { sent: "application/octet-stream", body: new Uint8Array(0), seen: new Uint8Array(0) }],
  ];

  it.for(cases)("%s is stored, read and passed as it was sent", async ([, { sent, body, seen, type = sent }]) => {
    const { run_id } = await stage.peach.triggerBody("echo", body, { contentType: sent });
    expect(await stage.peach.finished(run_id)).toMatchObject({ status: "succeeded" });
    expect(stage.recorder.of(run_id, "echoed")).toMatchObject([{ data: await portrait(seen) }]);

    const carried = await stage.peach.payload(run_id);
    expect(carried.headers.get("Content-Type")).toBe(sent);
    expect(Buffer.from(await carried.arrayBuffer()).equals(Buffer.from(body))).toBe(true);

    const passed = await stage.peach.payload(run_id, "echo");
    expect(passed.headers.get("Content-Type")).toBe(type);
    const expected = typeof seen === "string" ? Buffer.from(seen) : Buffer.from(body);
    expect(Buffer.from(await passed.arrayBuffer()).equals(expected)).toBe(true);
  });

  it("JSON is kept to the letter, and an image keeps its type", async () => {
    const odd = ' {"b": 1.0,\n "a": 2, "b": 3} ';
    const json = await stage.peach.triggerBody("echo", odd, { contentType: "application/json" });
    expect(await (await stage.peach.payload(json.run_id)).text()).toBe(odd);

    const image = await stage.peach.triggerBody("echo", bytes, { contentType: "image/png" });
    const carried = await stage.peach.payload(image.run_id);
    expect(carried.headers.get("Content-Type")).toBe("image/png");
    expect(Buffer.from(await carried.arrayBuffer()).equals(Buffer.from(bytes))).toBe(true);
  });
});

describe("a stream of 64 MiB through a chain of three tasks", () => {
  it(
    "a stream of 64 MiB made by the first task arrives unchanged through a chain of three, and is never held",
    { timeout: STREAM_LIMIT_MS },
    async ({ skip }) => {
      const { run_id } = await stage.peach.trigger("produce", { bytes: STREAM_BYTES });
      await isNeverHeld(run_id);
      await arrivesUnchanged(run_id, ["produce", "stream_middle", "stream_end"]);
      skip(!TELLS_MEMORY, UNTOLD);
    },
  );

  it(
    "a stream of 64 MiB sent as the body of a trigger arrives unchanged through a chain of three tasks, and is never held",
    { timeout: STREAM_LIMIT_MS },
    async ({ skip }) => {
      const block = Buffer.alloc(65_536);
      const hash = createHash("sha256");
      function* blocks(): Generator<Buffer> {
        for (let index = 0; index < STREAM_BYTES / block.length; index += 1) {
          block.fill(`${index} peach `);
          hash.update(block);
          yield Buffer.from(block);
        }
      }
      const body = Readable.toWeb(Readable.from(blocks()));
      const { run_id } = await stage.peach.triggerBody("upload", body, { contentType: "audio/mpeg" });
      await isNeverHeld(run_id);
      await arrivesUnchanged(run_id, ["upload", "upload_middle", "upload_end"], hash.digest("hex"));
      skip(!TELLS_MEMORY, UNTOLD);
    },
  );

  async function arrivesUnchanged(runId: string, tasks: readonly string[], sent?: string): Promise<void> {
    const run = await stage.peach.run(runId);
    expect(run.tasks).toMatchObject(tasks.map((task) => ({ task, status: "succeeded", attempts: [{ attempt: 1 }] })));
    const streamed = stage.recorder.of(runId, "streamed");
    expect(streamed.map(({ task }) => task)).toEqual(tasks);
    const sha256 = await digestOf(await stage.peach.payload(runId, tasks.at(-1)));
    if (sent !== undefined) expect(sha256).toBe(sent);
    expect(streamed.map(({ data }) => data)).toEqual(tasks.map(() => ({ bytes: STREAM_BYTES, sha256 })));
  }

  /** Until the run is final, looks at what the worker holds beyond what it held when it was idle. */
  async function isNeverHeld(runId: string): Promise<void> {
    if (!TELLS_MEMORY) return void (await stage.peach.finished(runId, STREAM_LIMIT_MS));
    const memory = await WorkerMemory.open(stage.runtime);
    memory.resident.forgetGrowth();
    let samples = 0;
    let most = 0;
    await vi.waitFor(
      async () => {
        most = Math.max(most, await memory.live());
        samples += 1;
        const { status } = await stage.peach.run(runId);
        expect(status).toBe("succeeded");
      },
      { timeout: STREAM_LIMIT_MS, interval: 100 },
    );
    console.log(
      `64 MiB streamed: at most ${megabytes(most - idle)} MB alive in the worker over idle (${samples} samples); ` +
        `the process, R2 included, grew by at most ${megabytes(memory.resident.grown())} MB`,
    );
    memory.close();
    // It answered meanwhile, between its parts.
    expect(samples).toBeGreaterThan(2);
    expect(most - idle).toBeLessThan(100 * MEGABYTE);
  }
});

function megabytes(bytes: number): string {
  return (bytes / MEGABYTE).toFixed(0);
}

async function digestOf(answer: Response): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of answer.body ?? []) hash.update(chunk);
  return hash.digest("hex");
}
