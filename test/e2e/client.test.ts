import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { createClient, type PeachClient } from "../../src/client.ts";
import { Stage } from "./stage.ts";

let stage: Stage;
let peach: PeachClient<Record<string, unknown>>;
beforeAll(async () => {
  stage = await Stage.open("lab");
  peach = createClient(stage.peach);
  return () => stage.close();
});

/** A run that goes on when `open` is called. */
async function heldRun(): Promise<{ runId: string; open: () => void }> {
  const gate = randomUUID();
  const { runId } = await peach.trigger("held", gate);
  await vi.waitFor(() => expect(stage.recorder.waitingAt(gate)).toBe(1), { timeout: 20_000 });
  return { runId, open: () => stage.recorder.open(gate) };
}

describe("a program with the client", () => {
  it("triggers a task and has its run and payloads", async () => {
    const { runId, run } = await peach.trigger("echo", { a: [1, "ü"] }, { wait: "1m" });
    expect(run).toMatchObject({ status: "succeeded", trigger: { source: "api", by: "api" } });
    expect(await peach.runs.get(runId)).toEqual(run);
    expect(await (await peach.runs.payload(runId)).value()).toEqual({ a: [1, "ü"] });
    expect(await (await peach.runs.taskPayload(runId, "after")).value()).toEqual({ a: [1, "ü"] });
    expect(await peach.runs.logs(runId, "after")).toMatchObject({ logs: [{ message: "echoed" }], dropped: 0 });
  });

  it("has what it sent back as the same kind", async () => {
    const bytes = new TextEncoder().encode("bytes ".repeat(100_000));
    for (const payload of ["text", bytes, new Blob([bytes]).stream(), null, [], 0]) {
      const expected = payload instanceof ReadableStream ? bytes : payload;
      const { runId } = await peach.trigger("echo", payload, { wait: "1m" });
      expect(await (await peach.runs.taskPayload(runId, "after")).value()).toEqual(expected);
    }
  });

  it("finds the run of a key again", async () => {
    const options = { idempotencyKey: randomUUID() };
    const first = await peach.trigger("echo", 1, options);
    expect(await peach.trigger("echo", 2, options)).toMatchObject({ runId: first.runId, deduplicated: true });
    expect(await peach.trigger("echo", 1)).not.toMatchObject({ runId: first.runId });
  });

  it("emits events, and has a run of each task that listens", async () => {
    const [run, ...others] = await peach.emit("lab.happened", { x: 1 });
    expect([run?.task, others]).toEqual(["listening", []]);
    expect(await peach.emit("nobody.listens")).toEqual([]);
  });

  it("cancels a run, once", async () => {
    const { runId } = await heldRun();
    expect(await peach.runs.cancel(runId)).toMatchObject({ status: "cancelled" });
    await expect(peach.runs.cancel(runId)).rejects.toMatchObject({
      name: "PeachError",
      code: "run_final",
      status: 409,
    });
  });

  it.each([
    ["unknown_task", () => peach.trigger("ehco")],
    ["invalid_payload", () => peach.trigger("typed", { text: 1 })],
    ["unknown_run", () => peach.runs.get("run_x")],
    ["unauthorized", () => createClient({ url: stage.peach.url, token: "wrong" }).runs.get("run_x")],
    ["invalid_request", () => peach.trigger("echo", 1, { idempotencyKey: "x".repeat(300) })],
  ])("is told %s with a hint", async (code, call) => {
    await expect(call()).rejects.toMatchObject({ code, hint: expect.stringMatching(/./) });
  });
});
