import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { Command } from "./command.ts";
import { Stage } from "./stage.ts";

const LAB = join(import.meta.dirname, "fixtures/lab");

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open("lab");
  return () => stage.close();
});

/** `npm run peach -- ...` as its own process, against the runtime. */
function start(...args: readonly string[]): Command {
  return new Command("cli/peach", args, {
    PEACH_URL: stage.peach.url,
    PEACH_API_TOKEN: stage.peach.token,
    PEACH_CONF: join(LAB, "peach.conf"),
    PEACH_PIPELINES: join(LAB, "pipelines"),
  });
}

/** The same, when it has ended. */
async function peach(...args: readonly string[]): Promise<{ code: unknown; out: string; err: string }> {
  const command = start(...args);
  const code = await command.exit();
  return { code, out: command.stdout.trim(), err: command.stderr.trim() };
}

async function json(...args: readonly string[]) {
  const { out } = await peach(...args, "--json");
  return JSON.parse(out);
}

describe("the command line against a running pipeline", () => {
  it("triggers a task, and shows its run, its logs and what it passed on", async () => {
    const file = join(stage.folder, "payload.json");
    writeFileSync(file, '{"a": "ü"}');
    const triggered = await peach("trigger", "echo", "--file", file, "--wait", "1m");
    expect([triggered.code, triggered.err]).toEqual([0, ""]);
    const [, runId = ""] = /^run +(run_\S+)/.exec(triggered.out) ?? [];
    expect((await peach("show", runId)).out).toMatch(/^after +succeeded +echo .* json, 10 B$/m);
    expect((await peach("logs", runId)).out).toMatch(/ echo info +echoed \{"task":"echo"\}\n.* after info/);
    expect(await peach("payload", runId, "after")).toEqual({ code: 0, out: '{"a":"ü"}', err: "" });
    expect((await peach("payload", runId)).out).toBe('{"a": "ü"}');
  });

  it("lists and counts runs", async () => {
    const { run_id: runId } = await json("trigger", "typed", "--json-payload", '{"text": "abc"}');
    await vi.waitFor(async () => {
      expect(await json("runs", "--task", "typed", "--status", "succeeded")).toMatchObject({
        runs: [{ run_id: runId }],
      });
    }, 60_000);
    expect((await peach("runs", "--task", "typed")).out).toMatch(new RegExp(`^${runId} +typed +succeeded +api`, "m"));
    expect(await json("runs", "--task", "typed", "--count")).toMatchObject({ total: 1 });
  });

  it("cancels, retries and replays", async () => {
    const held = await json("trigger", "held", "--text", "never opened");
    expect(await peach("cancel", held.run_id)).toMatchObject({ code: 0, out: `${held.run_id} cancelled` });
    const again = await peach("cancel", held.run_id);
    expect([again.code, again.err]).toEqual([1, expect.stringContaining("(run_final, request ")]);
    const failing = await peach("trigger", "failing", "--text", "x", "--wait", "1m");
    expect([failing.code, failing.out]).toEqual([
      1,
      expect.stringContaining("failing failed: RangeError: the first attempt fails"),
    ]);
    const [, runId = ""] = /^run +(run_\S+)/.exec(failing.out) ?? [];
    expect((await peach("retry", runId)).out).toBe(`${runId} retried`);
    await vi.waitFor(async () => expect(await json("show", runId)).toMatchObject({ status: "succeeded" }), 60_000);
    const { runs } = await json("replay", runId, "--from", "mended");
    expect(await json("show", runs[0].new_run_id)).toMatchObject({
      trigger: { source: "replay", replay_of: { run_id: runId, from: "mended" } },
    });
  });

  it("pauses a task and resumes it, shows what a limit holds back, and completes a task that waits", async () => {
    const isAt = (runId: string, state: object): Promise<void> =>
      vi.waitFor(async () => {
        const answer = await stage.peach.call(`/api/v1/runs/${runId}`);
        expect(await answer.json()).toMatchObject({ tasks: expect.arrayContaining([expect.objectContaining(state)]) });
      }, 20_000);
    const approved = await stage.peach.trigger("approve");
    expect(await peach("pause", "narrow")).toEqual({ code: 0, out: "narrow is paused", err: "" });
    const first = await stage.peach.trigger("narrow", "first");
    await isAt(first.run_id, { status: "queued", waiting_for: expect.objectContaining({ for: "pause" }) });
    expect(await json("resume", "narrow")).toMatchObject({ task: "narrow", paused: null });
    await vi.waitFor(() => expect(stage.recorder.waitingAt("first")).toBe(1), 20_000);
    const second = await stage.peach.trigger("narrow", "second");
    await isAt(second.run_id, { status: "queued", waiting_for: expect.objectContaining({ for: "concurrency" }) });
    expect((await peach("limits")).out).toMatch(/^narrow +concurrency +1 +1 +1$/m);
    for (const gate of ["first", "second"]) {
      await vi.waitFor(() => expect(stage.recorder.waitingAt(gate)).toBe(1), 20_000);
      stage.recorder.open(gate);
    }

    const { run_id: runId } = approved;
    await isAt(runId, { task: "approve", status: "waiting" });
    const completed = await peach("complete", runId, "approve", "--json-payload", '{"ok": true}');
    expect(completed).toEqual({ code: 0, out: `approve of ${runId}: succeeded`, err: "" });
    await isAt(runId, { task: "approved", status: "succeeded" });
    expect(await (await stage.peach.payload(runId, "approved")).text()).toBe('{"ok":true}');
    const again = await peach("complete", runId, "approve", "--failed", "too late");
    expect([again.code, again.err]).toEqual([1, expect.stringContaining("(already_completed, request ")]);
  });

  it("watches a run until it is final, and leaves when it is told to", async () => {
    const { run_id: runId } = await json("trigger", "held", "--text", "watched");
    const watching = start("watch", runId);
    const leaving = start("watch", runId);
    for (const command of [watching, leaving])
      await vi.waitFor(() => expect(command.stdout).toContain("held: running"), 60_000);
    leaving.kill("SIGINT");
    expect([await leaving.exit(), leaving.stderr]).toEqual([
      130,
      `${runId} goes on: npm run peach -- watch ${runId}\n`,
    ]);
    await vi.waitFor(() => expect(stage.recorder.waitingAt("watched")).toBe(1), 20_000);
    stage.recorder.open("watched");
    expect(await watching.exit()).toBe(0);
    expect(watching.stdout).toMatch(/held: succeeded {2}.*\nrun_\S+ succeeded after /);
    const watched = await peach("trigger", "split", "--json-payload", '["a", "bad"]', "--watch");
    expect([watched.code, watched.out]).toEqual([0, expect.stringContaining("1 of 2 items, 1 failed")]);
  });

  it("emits events, and shows what is deployed", async () => {
    expect((await peach("emit", "lab.happened")).out).toMatch(/^run_\S+ listening$/);
    expect((await peach("tasks")).out).toMatch(/^listening +event/m);
    expect((await peach("graph", "--deployed")).out).toBe((await peach("graph")).out);
    expect((await peach("plan")).out).toMatch(/^peach\.conf (\w+) -> \1: nothing changes$/m);
    expect(await peach("dead-letters")).toEqual({ code: 0, out: "there are none", err: "" });
  });

  it("says what is wrong, with the name that was probably meant", async () => {
    const { code, err } = await peach("trigger", "ech");
    expect([code, err]).toEqual([1, expect.stringContaining('hint: Did you mean "echo"?')]);
    expect((await peach("trigger", "typed", "--json-payload", '{"text": 1}')).err).toContain("$.text: ");
    expect(await peach("runs", "--token", "wrong")).toMatchObject({
      code: 1,
      err: expect.stringContaining("hint: The token is from --token, the address from PEACH_URL."),
    });
  });
});
