import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, it, vi } from "vitest";
import {
  applyRunEvent,
  createClient,
  type PeachClient,
  type RunDocument,
  type RunEvent,
} from "../../src/client/client.ts";
import { Stage } from "./stage.ts";

let stage: Stage;
let peach: PeachClient<Record<string, unknown>>;
beforeAll(async () => {
  stage = await Stage.open("lab");
  peach = createClient(stage.peach);
  return () => stage.close();
});

/** A run that goes on when `open` is called. */
async function heldRun(task = "held"): Promise<{ runId: string; open: () => void }> {
  const gate = randomUUID();
  const { run_id: runId } = await peach.trigger(task, gate);
  await vi.waitFor(() => expect(stage.recorder.waitingAt(gate)).toBe(1), { timeout: 20_000 });
  return { runId, open: () => stage.recorder.open(gate) };
}

describe("a program with the client", () => {
  it("a program with the client triggers a task and has its run and payloads", async () => {
    const { run_id: runId, run } = await peach.trigger("echo", { a: [1, "ü"] }, { wait: "1m" });
    expect(run).toMatchObject({ status: "succeeded", trigger: { source: "api", by: "api" } });
    expect(await peach.runs.get(runId)).toEqual(run);
    expect(await (await peach.runs.payload(runId)).value()).toEqual({ a: [1, "ü"] });
    expect(await (await peach.runs.taskPayload(runId, "after")).value()).toEqual({ a: [1, "ü"] });
    expect(await peach.runs.logs(runId, "after")).toMatchObject({ logs: [{ message: "echoed" }], dropped: 0 });
  });

  it("a program with the client has the output of a run in one await, of its last task or of one by name", async () => {
    const run = await peach.trigger("echo", { a: [1, "ü"] });
    expect(run.url).toBe(`${stage.peach.url}/dashboard/runs/${run.run_id}`);
    expect(await run.output()).toEqual({ a: [1, "ü"] });
    expect(await run.output("echo", { timeout: "1m" })).toEqual({ a: [1, "ü"] });
    await expect(run.output("ehco")).rejects.toMatchObject({ code: "unknown_task", status: 404 });
    const failed = await peach.trigger("failing", "x");
    await expect(failed.output()).rejects.toMatchObject({
      name: "PeachRunError",
      code: "run_failed",
      detail: expect.stringContaining("failing failed with RangeError: the first attempt fails"),
      run: { status: "failed" },
    });
  });

  it("a program with the client has what it sent back as the same kind", async () => {
    const bytes = new TextEncoder().encode("bytes ".repeat(100_000));
    for (const payload of ["text", bytes, new Blob([bytes]).stream(), null, [], 0]) {
      const expected = payload instanceof ReadableStream ? bytes : payload;
      const { run_id: runId } = await peach.trigger("echo", payload, { wait: "1m" });
      expect(await (await peach.runs.taskPayload(runId, "after")).value()).toEqual(expected);
    }
  });

  it("a program with the client finds the run of a key again", async () => {
    const options = { idempotencyKey: randomUUID() };
    const first = await peach.trigger("echo", 1, options);
    expect(await peach.trigger("echo", 1, options)).toMatchObject({ run_id: first.run_id, deduplicated: true });
    await expect(peach.trigger("echo", 2, options)).rejects.toMatchObject({
      code: "idempotency_mismatch",
      status: 409,
    });
    expect(await peach.trigger("echo", 1)).not.toMatchObject({ run_id: first.run_id });
  });

  it("a program with the client emits events, and has a run of each task that listens", async () => {
    const [run, ...others] = await peach.emit("lab.happened", { x: 1 });
    expect([run?.task, others]).toEqual(["listening", []]);
    expect(await peach.emit("nobody.listens")).toEqual([]);
  });

  it("a program with the client lists, counts and finds runs, and hears of them as they change", async () => {
    const told = new AbortController();
    const heard: string[] = [];
    const listening = (async () => {
      for await (const event of peach.runs.feed({ task: "typed", signal: told.signal }))
        if (event.type === "run") heard.push(event.run.status);
    })().catch(() => {});
    const idempotencyKey = randomUUID();
    const { run_id: runId } = await peach.trigger("typed", { text: "abc" }, { idempotencyKey, wait: "1m" });
    await vi.waitFor(async () => {
      expect(await peach.runs.count({ task: "typed" })).toMatchObject({ counts: { succeeded: 1 }, total: 1 });
      expect(await peach.runs.list({ task: "typed", idempotencyKey })).toMatchObject({
        runs: [{ run_id: runId, status: "succeeded", source: "api", failed_tasks: [] }],
        next_cursor: null,
      });
      const all: string[] = [];
      for await (const { run_id } of peach.runs.all({ task: "typed", status: ["succeeded", "failed"] }))
        all.push(run_id);
      expect(all).toEqual([runId]);
      expect(heard).toContain("succeeded");
    }, 20_000);
    told.abort();
    await listening;
  });

  it("a program with the client follows what happens to a run, and has its result when it is final", async () => {
    const { runId, open } = await heldRun();
    let run: RunDocument | null = null;
    const events: RunEvent[] = [];
    const following = (async () => {
      for await (const event of peach.runs.events(runId)) {
        events.push(event);
        run = applyRunEvent(run, event);
      }
    })();
    await vi.waitFor(() => expect(run).toMatchObject({ status: "running" }), 20_000);
    await expect(peach.runs.result(runId, { timeout: 200 })).rejects.toMatchObject({ code: "result_timeout" });
    open();
    await following;
    expect(run).toEqual(await peach.runs.get(runId));
    expect(events.map(({ type }) => type)).toEqual(["run", ...events.slice(1, -1).map(() => "change"), "end"]);
    expect(await peach.runs.result(runId)).toEqual(run);
    const [first] = events;
    const again: RunEvent[] = [];
    const lastEventId = first?.type === "run" ? (first.id ?? undefined) : undefined;
    for await (const event of peach.runs.events(runId, { lastEventId })) again.push(event);
    expect(again).toEqual(events.slice(1));
    const { result } = await peach.trigger("failing", "x");
    expect(await result()).toMatchObject({ status: "failed" });
  });

  it("a program with the client retries a run in place, and replays it from a task on", async () => {
    const { run_id: runId, run } = await peach.trigger("failing", "x", { wait: "1m" });
    expect(run).toMatchObject({ status: "failed" });
    await peach.runs.retry(runId);
    await vi.waitFor(async () => expect(await peach.runs.get(runId)).toMatchObject({ status: "succeeded" }), 20_000);
    await expect(peach.runs.retry(runId)).rejects.toMatchObject({ code: "nothing_to_retry" });
    const replayed = await peach.runs.replay(runId, { from: "mended", payload: "y" });
    expect(replayed).toMatchObject({ replay_of: { run_id: runId, from: "mended" } });
    const payload = async (): Promise<unknown> => (await peach.runs.taskPayload(replayed.run_id, "mended")).value();
    await vi.waitFor(async () => expect(await payload()).toBe("y"), 20_000);
  });

  it("a program with the client sees the items of a task, and what each has passed on", async () => {
    const { run_id: runId, run } = await peach.trigger("split", ["a", "bad", "c"], { wait: "1m" });
    expect(run?.tasks[1]).toMatchObject({ task: "piece", each: { total: 3, succeeded: 2, failed: 1, running: 0 } });
    expect((await peach.runs.items(runId, "piece")).items.map(({ status }) => status)).toEqual([
      "succeeded",
      "failed",
      "succeeded",
    ]);
    const { items } = await peach.runs.items(runId, "piece", { status: "failed" });
    expect(items).toMatchObject([{ index: 1, attempts: [{ error: { message: "a bad piece" } }] }]);
    expect(await (await peach.runs.taskPayload(runId, "piece", { item: 2 })).value()).toBe("C");
    expect(await (await peach.runs.taskPayload(runId, "piece")).value()).toEqual(["A", null, "C"]);
  });

  it("a program with the client sees what is deployed", async () => {
    const tasks = await peach.tasks.list();
    expect(tasks.map(({ task }) => task).join(" ")).toBe(
      "echo after held failing mended narrow approve approved split piece forked left right typed listening",
    );
    expect(tasks.filter(({ external }) => external)).toMatchObject([{ task: "approve", timeout_ms: 86_400_000 }]);
    expect(tasks.filter(({ concurrency }) => concurrency !== null)).toMatchObject([{ task: "narrow" }]);
    expect(await peach.tasks.get("typed")).toMatchObject({ input_schema: { required: ["text"] } });
    expect((await peach.graph()).tasks[0]).toMatchObject({ task: "echo", root: true, downstream: ["after"] });
    expect(await peach.graph({ format: "mermaid" })).toMatch(/^flowchart LR\n/);
    expect([await peach.endpoints(), await peach.schedules.list()]).toEqual([[], []]);
    expect(await peach.deadLetters.list()).toEqual({ dead_letters: [], next_cursor: null });
  });

  it("a program with the client sees what a limit holds back", async () => {
    const first = await heldRun("narrow");
    const gate = randomUUID();
    const { run_id: runId } = await peach.trigger("narrow", gate);
    const limit = { task: "narrow", kind: "concurrency", key: null, limit: 1, per_ms: null };
    await vi.waitFor(async () => expect(await peach.limits()).toEqual([{ ...limit, in_use: 1, waiting: 1 }]), 20_000);
    expect((await peach.runs.get(runId)).tasks).toMatchObject([
      { status: "queued", waiting_for: { for: "concurrency", key: null } },
    ]);
    first.open();
    await vi.waitFor(() => expect(stage.recorder.waitingAt(gate)).toBe(1), { timeout: 20_000 });
    stage.recorder.open(gate);
    expect(await peach.runs.result(runId)).toMatchObject({ status: "succeeded" });
    await vi.waitFor(async () => expect(await peach.limits()).toEqual([{ ...limit, in_use: 0, waiting: 0 }]), 20_000);
  });

  it("a program with the client holds a task back, and lets it go on", async () => {
    expect(await peach.tasks.pause("after")).toMatchObject({ task: "after", paused: { by: "api" } });
    const { run_id: runId } = await peach.trigger("echo", 1);
    await vi.waitFor(async () => {
      const { tasks } = await peach.runs.get(runId);
      expect(tasks[1]).toMatchObject({ status: "queued", attempts: [], waiting_for: { for: "pause", key: null } });
    }, 20_000);
    expect((await peach.tasks.get("after")).paused).not.toBeNull();
    expect((await peach.tasks.resume("after")).paused).toBeNull();
    expect(await peach.runs.result(runId)).toMatchObject({ status: "succeeded" });
    await expect(peach.tasks.pause("atfer")).rejects.toMatchObject({ code: "unknown_task", status: 404 });
  });

  it("a program with the client completes a task that waits, once, as succeeded or as failed", async () => {
    const waiting = async (): Promise<string> => {
      const { run_id: runId } = await peach.trigger("approve");
      await vi.waitFor(async () => {
        const [task] = (await peach.runs.get(runId)).tasks;
        expect(task).toMatchObject({ status: "waiting", waiting_for: { for: "completion" } });
        expect(task?.completion_url).toContain(`${stage.peach.url}/complete/`);
      }, 20_000);
      return runId;
    };
    const runId = await waiting();
    const completed = { run_id: runId, task: "approve", status: "succeeded" };
    expect(await peach.runs.complete(runId, "approve", { status: "succeeded", payload: ["ü", 1] })).toEqual(completed);
    expect(await peach.runs.result(runId)).toMatchObject({ status: "succeeded" });
    expect(await (await peach.runs.taskPayload(runId, "approved")).value()).toEqual(["ü", 1]);
    await expect(peach.runs.complete(runId, "approve", { status: "succeeded" })).rejects.toMatchObject({
      code: "already_completed",
      status: 409,
    });
    const refused = await waiting();
    const failure = { status: "failed", error: { message: "not like this" } } as const;
    expect(await peach.runs.complete(refused, "approve", failure)).toMatchObject({ status: "failed" });
    expect((await peach.runs.result(refused)).tasks).toMatchObject([
      { status: "failed", attempts: [{ error: { message: "not like this" } }] },
      { status: "skipped" },
    ]);
    await expect(peach.runs.complete(refused, "approved", failure)).rejects.toMatchObject({ code: "not_waiting" });
  });

  it("a program with the client cancels a run, once", async () => {
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
  ])("a program with the client is told %s with a hint", async (code, call) => {
    await expect(call()).rejects.toMatchObject({ code, hint: expect.stringMatching(/./) });
  });
});
