import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { z } from "zod";
import { readRecordedRun } from "../../src/testing/recorded-run.ts";
import { commandLine, type Circumstances, type Written } from "../scripts/command-line.ts";
import { Debugger } from "../support/debugger.ts";
import { Command } from "./command.ts";
import { Stage } from "./stage.ts";

const REPLAYED = z.object({
  matched: z.number(),
  changed: z.number(),
  runs: z.array(z.object({ run_id: z.string(), new_run_id: z.string() })),
});
const LAB = join(import.meta.dirname, "fixtures/lab");

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open("lab");
  return () => stage.close();
});

/** `npm run peach -- ...` as its own process, against the runtime. */
function start(...args: readonly string[]): Command {
  return new Command("peach", args, environment());
}

function environment(): Record<string, string> {
  return {
    PEACH_URL: stage.peach.url,
    PEACH_API_TOKEN: stage.peach.token,
    PEACH_CONF: join(LAB, "peach.conf"),
    PEACH_PIPELINES: join(LAB, "pipelines"),
  };
}

/** The same in this process, which is a second sooner. */
async function peach(...args: readonly string[]): Promise<{ code: unknown; out: string; err: string }> {
  const { code, out, err } = await commandLine(args, { env: environment() });
  return { code, out: out.trim(), err: err.trim() };
}

/** The same with somebody to ask where `answer` is given. */
function here(line: string, given: Circumstances = {}): Promise<Written> {
  return commandLine(line.split(" "), { env: environment(), ...given });
}

async function json(...args: readonly string[]) {
  const { out } = await peach(...args, "--json");
  return JSON.parse(out);
}

describe("the command line against a running pipeline", () => {
  it("the command line against a running pipeline runs a recorded run again in this process, and shows where what it passes differs", async () => {
    const { run_id } = await stage.peach.trigger("echo", { a: ["ü", 1] });
    await stage.peach.finished(run_id);
    const same = await peach("replay", run_id, "--local");
    expect(same).toMatchObject({ code: 0, err: "", out: expect.stringContaining(`nothing differs from ${run_id}`) });
    expect(same.out).toContain('echo info  echoed {"task":"echo"}');

    const file = join(stage.folder, "changed.json");
    expect(await peach("replay", run_id, "--local", "--task", "after", "--save", file)).toMatchObject({ code: 0 });
    // Another code of the pipelines passes something else.
    const changed = { ...environment(), PEACH_PIPELINES: join(LAB, "changed") };
    const args = ["replay", run_id, "--local"];
    const whole = await commandLine(args, { env: changed });
    expect(whole.code).toBe(1);
    expect(whole.out).toContain("\necho $.a[1]\n  recorded  1\n  now       2\n");
    expect(whole.out).toContain(`differences from ${run_id}`);
    // Only that task runs: its upstream task passes what was recorded.
    const one = await commandLine([...args, "--task", "after"], { env: changed });
    expect([one.code, one.out.match(/recorded {2}/g)?.length]).toEqual([1, 1]);
    expect(one.out).toContain("after $.a[1]\n  recorded  1\n  now       2");

    const failing = await stage.peach.trigger("failing", "text");
    await stage.peach.finished(failing.run_id);
    expect(await peach("replay", failing.run_id, "--local")).toMatchObject({
      code: 0,
      out: expect.stringMatching(/failing failed: RangeError: the first attempt fails\n.*lab\.ts:\d+/),
    });
    expect(await peach("replay", run_id, "--inspect")).toMatchObject({ code: 2 });
  });

  it("the command line against a running pipeline means the newest run where none is named, the newest that failed, and a run by the beginning of its id", async () => {
    const failed = await stage.peach.trigger("failing", 1);
    await stage.peach.finished(failed.run_id);
    const { run_id } = await stage.peach.trigger("echo", 1);
    await stage.peach.finished(run_id);
    // Runs are listed a moment after they are accepted.
    await expect.poll(async () => (await peach("show")).out, { timeout: 10_000 }).toContain(run_id);
    expect((await peach("show", run_id.slice(4, 14))).out).toContain(run_id);
    expect((await peach("show", run_id.slice(0, 12))).out).toContain(run_id);
    expect(await peach("watch")).toMatchObject({ code: 0, out: expect.stringContaining(`${run_id} succeeded`) });
    expect((await peach("logs")).out).toMatch(/ echo info +echoed/);
    const shown = (await peach("show", "--failed")).out;
    expect(shown).toContain(failed.run_id);
    expect(shown).toMatch(/stack of failing\n {2}at failing \(\S*pipelines\/[\w-]+\.ts:\d+:\d+\)\n/);
    expect(shown).toContain(`logs    npm run peach -- logs ${failed.run_id}`);
    expect(shown).toContain("\ninput       1\n");
    expect(shown).toMatch(/\nlast lines of failing\n {2}[\d:.]+ warn +about to fail\n/);
    expect(await peach("show", "--failed", run_id)).toMatchObject({ code: 2 });
    expect(await peach("show", "zzzzzz")).toMatchObject({ code: 1, err: expect.stringContaining("run") });
  });

  it("the command line against a running pipeline stops a recorded run at a breakpoint, also while another debugger has the port", async () => {
    const { run_id } = await stage.peach.trigger("echo", { name: "Ada" });
    await stage.peach.finished(run_id);
    // Such as `npm run dev -- --inspect`, or whatever else listens there on this machine.
    const other = createServer();
    await new Promise<void>((resolve) => {
      other.once("error", () => resolve()).listen(9229, "127.0.0.1", resolve);
    });
    onTestFinished(() => void other.close());
    const replay = start("replay", run_id, "--local", "--inspect");
    onTestFinished(() => replay.kill("SIGKILL"));
    const WAIT = { timeout: 30_000, interval: 50 };
    await expect.poll(() => replay.stderr, WAIT).toMatch(/waits for a debugger on 127\.0\.0\.1:\d+: attach/);
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(replay.stderr)?.[1]);
    expect(port).not.toBe(9229);
    const file = join(LAB, "pipelines/lab.ts");
    const line = readFileSync(file, "utf8").split("\n").indexOf("  return payload;") + 1;
    const attach = (): Promise<Debugger | null> => Debugger.attach(port).catch(() => null);
    using attached = await vi.waitFor(
      async () => (await attach()) ?? Promise.reject(new Error("nobody listens")),
      WAIT,
    );
    await attached.breakInFile(file, line);
    for (const task of ["echo", "after"]) {
      const standing = await attached.standsInFile();
      expect(standing).toMatchObject({ file, line });
      expect(await standing.evaluate("[currentTask().name, payload.name]")).toEqual([task, "Ada"]);
      await attached.goOn();
    }
    await expect.poll(() => replay.stdout, WAIT).toContain(`nothing differs from ${run_id}`);
    // Node stays as long as a debugger is attached.
    attached[Symbol.dispose]();
    expect(await replay.exit()).toBe(0);
  });

  it("the command line against a running pipeline shows what is logged while it watches", async () => {
    const { code, out } = await peach("trigger", "echo", "--json-payload", "1", "--watch");
    expect([code, out]).toEqual([0, expect.stringMatching(/\d echo info +echoed/)]);
  });

  it("the command line against a running pipeline names commands in hints, in place of calls of the API", async () => {
    const { run_id } = await stage.peach.trigger("echo", 1);
    await stage.peach.finished(run_id);
    const { code, err } = await peach("retry", run_id);
    expect([code, err]).toEqual([1, expect.stringContaining("npm run peach -- replay RUN")]);
    expect(err).not.toContain("/api/v1");
    const unscheduled = await peach("pause", "echo", "--schedule");
    expect([unscheduled.code, unscheduled.err]).toEqual([
      1,
      expect.stringContaining("listed by npm run peach -- schedules --deployed;"),
    ]);
  });

  it("the command line against a running pipeline opens the dashboard, and the page of a run, by a link that logs in once", async () => {
    const { run_id } = await stage.peach.trigger("echo", 1);
    await stage.peach.finished(run_id);
    const { url } = stage.peach;
    expect((await peach("open", "--print")).out).toMatch(new RegExp(`^${url}/dashboard/login#[\\w-]{20}$`));
    expect((await peach("open", run_id, "--print")).out).toMatch(
      new RegExp(`^${url}/dashboard/runs/${run_id}#[\\w-]{20}$`),
    );
    const browser = join(mkdtempSync(join(tmpdir(), "peach-browser-")), "browser");
    writeFileSync(browser, '#!/bin/sh\necho "$1" > "$0.opened"\n', { mode: 0o755 });
    const { out } = await commandLine(["open", "--json"], { env: { ...environment(), BROWSER: browser } });
    const { url: link, opened } = z.object({ url: z.string(), opened: z.boolean() }).parse(JSON.parse(out));
    expect(opened).toBe(true);
    await expect
      .poll(() => existsSync(`${browser}.opened`) && readFileSync(`${browser}.opened`, "utf8"), { timeout: 10_000 })
      .toBe(`${link}\n`);
    const absent = await commandLine(["open"], { env: { ...environment(), BROWSER: `${browser}-absent` } });
    expect(absent).toMatchObject({ code: 0, err: "no browser was found here: open the link in one" });
  });

  it("the command line against a running pipeline says of a task without each that it has no items", async () => {
    const { run_id } = await stage.peach.trigger("echo", 1);
    await stage.peach.finished(run_id);
    const err = "echo has no items: each is not set for this task";
    expect(await peach("items", run_id, "echo")).toMatchObject({ code: 1, err });
  });

  it("the command line against a running pipeline leads a browser from the address of the runtime to the dashboard, and no other caller", async () => {
    const ask = (accept: string) => fetch(`${stage.peach.url}/`, { headers: { Accept: accept }, redirect: "manual" });
    const browser = await ask("text/html,application/xhtml+xml,*/*;q=0.8");
    expect([browser.status, browser.headers.get("Location")]).toEqual([302, "/dashboard"]);
    expect((await ask("*/*")).status).toBe(404);
  });

  it("the command line against a running pipeline saves a run with what triggered it and what each task passed, of every kind and size", async () => {
    const file = join(stage.folder, "recorded.json");
    const saved = async (body: string | Uint8Array<ArrayBuffer>, contentType: string) => {
      const { run_id } = await stage.peach.triggerBody("echo", body, { contentType });
      await stage.peach.finished(run_id);
      const { code, out } = await peach("replay", run_id, "--save", file, "--force");
      expect([code, out]).toEqual([0, expect.stringContaining(`: ${run_id}, 2 tasks`)]);
      const { payload, tasks } = readRecordedRun(file);
      expect(tasks.map(({ task, upstream }) => [task, upstream])).toEqual([
        ["echo", []],
        ["after", ["echo"]],
      ]);
      // A task passes on bytes, and not the content type that they came with.
      expect(tasks.map(({ passed }) => passed?.value)).toEqual([payload?.value, payload?.value]);
      return payload;
    };
    const bytes = new Uint8Array([0, 255, 10]);
    const large = new Uint8Array(200_000).fill(3);
    expect(await saved('{"a": ["ü", null]}', "application/json")).toEqual({ kind: "json", value: { a: ["ü", null] } });
    expect(await saved("text", "text/plain; charset=utf-8")).toEqual({ kind: "text", value: "text" });
    expect(await saved(bytes, "audio/mpeg")).toMatchObject({ kind: "bytes", value: bytes });
    expect(await saved(large, "audio/mpeg")).toMatchObject({ kind: "bytes", value: large });

    const forked = (await stage.peach.trigger("forked", "x")).run_id;
    await stage.peach.finished(forked);
    expect(await peach("payload", forked, "forked", "--to", "left")).toMatchObject({ code: 0, out: '{"alone":"x"}' });
    expect(await peach("payload", forked, "forked", "--to", "right")).toMatchObject({
      code: 1,
      err: expect.stringContaining('has passed nothing to "right" alone'),
    });
    expect(await peach("replay", forked, "--save", file)).toMatchObject({ code: 1 });
    await peach("replay", forked, "--save", file, "--force");
    expect(readRecordedRun(file).tasks.map(({ task, to }) => [task, to])).toEqual([
      ["forked", { left: { kind: "json", value: { alone: "x" } } }],
      ["left", {}],
      ["right", {}],
    ]);
    // The task whose parent does not run reads what was recorded for it alone.
    expect(await peach("replay", forked, "--local", "--task", "left")).toMatchObject({ code: 0 });
    const whole = await commandLine(["replay", forked, "--local"], {
      env: { ...environment(), PEACH_PIPELINES: join(LAB, "changed") },
    });
    expect([whole.code, whole.out]).toEqual([
      1,
      expect.stringContaining('\nforked to left $.alone\n  recorded  "x"\n  now       "changed"\n'),
    ]);

    const { run_id } = await stage.peach.trigger("failing", 1);
    await stage.peach.finished(run_id);
    await peach("replay", run_id, "--save", file, "--force");
    const error = { name: "RangeError", message: "the first attempt fails" };
    expect(readRecordedRun(file)).toMatchObject({
      run_id,
      task: "failing",
      status: "failed",
      tasks: [
        { task: "failing", status: "failed", passed: null, attempts: [{ attempt: 1, status: "failed", error }] },
        { task: "mended", status: "skipped", reason: "upstream_failed", passed: null },
      ],
    });
    expect(await peach("replay", run_id, run_id, "--save", file)).toMatchObject({ code: 2 });
  });

  it("the command line against a running pipeline triggers a task, and shows its run, its logs and what it passed on", async () => {
    const file = join(stage.folder, "payload.json");
    writeFileSync(file, '{"a": "ü"}');
    const triggered = start("trigger", "echo", "--file", file, "--wait", "1m");
    expect([await triggered.exit(), triggered.stderr]).toEqual([0, ""]);
    const [, runId = ""] = /^run +(run_\S+)/.exec(triggered.stdout) ?? [];
    expect((await peach("show", runId)).out).toMatch(/^after +succeeded +echo .* json, 10 B$/m);
    expect((await peach("logs", runId)).out).toMatch(/ echo info +echoed \{"task":"echo"\}\n.* after info/);
    expect(await peach("payload", runId, "after")).toEqual({ code: 0, out: '{"a":"ü"}', err: "" });
    expect((await peach("payload", runId)).out).toBe('{"a": "ü"}');
  });

  it("the command line against a running pipeline lists and counts runs", async () => {
    const { run_id: runId } = await json("trigger", "typed", "--json-payload", '{"text": "abc"}');
    await vi.waitFor(async () => {
      expect(await json("runs", "--task", "typed", "--status", "succeeded")).toMatchObject({
        runs: [{ run_id: runId }],
      });
    }, 60_000);
    expect((await peach("runs", "--task", "typed")).out).toMatch(new RegExp(`^${runId} +typed +succeeded +api`, "m"));
    expect(await json("runs", "--task", "typed", "--count")).toMatchObject({ total: 1 });
  });

  it("the command line against a running pipeline cancels, retries and replays", async () => {
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

  it("the command line against a running pipeline pauses a task and resumes it, shows what a limit holds back, and completes a task that waits", async () => {
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

  it("the command line against a running pipeline watches a run until it is final, and leaves when it is told to", async () => {
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

  it("the command line against a running pipeline emits events, and shows what is deployed", async () => {
    expect((await peach("emit", "lab.happened")).out).toMatch(/^run_\S+ listening$/);
    expect((await peach("tasks")).out).toMatch(/^listening +event/m);
    expect((await peach("graph", "--deployed")).out).toBe((await peach("graph")).out);
    expect((await peach("plan")).out).toMatch(/^peach\.conf (\w+) -> \1: nothing changes$/m);
    expect(await peach("dead-letters")).toEqual({ code: 0, out: "there are none", err: "" });
  });

  it("the command line against a running pipeline says what is wrong, with the name that was probably meant", async () => {
    const { code, err } = await peach("trigger", "ech");
    expect([code, err]).toEqual([1, expect.stringContaining('hint: Did you mean "echo"?')]);
    expect((await peach("trigger", "typed", "--json-payload", '{"text": 1}')).err).toContain("$.text: ");
    expect(await peach("runs", "--token", "wrong")).toMatchObject({
      code: 1,
      err: expect.stringContaining("hint: The token is from --token, the address from PEACH_URL."),
    });
  });
});

describe("the command line on many runs", () => {
  const triggered = (task: string, payloads: readonly unknown[]): Promise<string[]> =>
    Promise.all(payloads.map(async (payload) => (await stage.peach.trigger(task, payload)).run_id));
  const statuses = (runs: readonly string[]): Promise<string[]> =>
    Promise.all(runs.map(async (run) => (await stage.peach.run(run)).status));
  const lastLine = ({ out }: Written): string => out.split("\n").at(-1) ?? "";

  it("the command line on many runs counts what a filter finds, asks, and changes it only if the person agrees", async () => {
    const names = Array.from({ length: 12 }, (_, index) => `one of many ${index}`);
    const runs = await triggered("held", names);
    const filter = "cancel --task held --status queued,running";
    await vi.waitFor(async () => {
      expect(lastLine(await here(`${filter} --dry-run`))).toBe("would cancel 12 runs of 12 that match");
    }, 60_000);
    const no = await here(filter, { answer: "n" });
    expect([no.code, no.asked]).toEqual([1, ["cancel 12 runs? [y/N] "]]);
    expect(no.err).toMatch(/\.\.\. and 2 more\nnothing was changed$/);
    const nobody = await here(filter);
    expect([nobody.code, nobody.err]).toEqual([
      2,
      expect.stringContaining("whether to cancel 12 runs: --yes does not"),
    ]);
    expect(await statuses(runs)).not.toContain("cancelled");

    const yes = await here(filter, { answer: "yes" });
    expect([yes.code, yes.asked, lastLine(yes)]).toEqual([
      0,
      ["cancel 12 runs? [y/N] "],
      "12 of 12 changed, 0 refused",
    ]);
    expect(await statuses(runs)).toEqual(runs.map(() => "cancelled"));
  });

  it("the command line on many runs says of what refuses why, and that nothing would be changed where nothing would", async () => {
    const { run_id: run } = await stage.peach.trigger("listening");
    await stage.peach.finished(run);
    const filter = "retry --task listening --status succeeded";
    await vi.waitFor(async () => expect((await here(`${filter} --dry-run`)).out).toContain(run), 60_000);
    const told = await here(filter, { answer: "yes" });
    // Who asked for a change and did not say --dry-run is not to read that all went well.
    expect([told.code, told.asked]).toEqual([1, []]);
    expect(lastLine(told)).toMatch(/^would retry 0 runs of \d that match$/);
    const { code, out } = await here(`${filter} --yes`);
    expect([code, out]).toEqual([1, expect.stringMatching(new RegExp(`${run} +listening +succeeded +refused`))]);
    expect(out).toMatch(/0 of (\d) changed, \1 refused$/);
  });

  it("the command line on many runs retries as many as it is told, and starts a run for each that it replays", async () => {
    const since = new Date().toISOString();
    const runs = await triggered("failing", ["a", "b", "c"]);
    await Promise.all(runs.map((run) => stage.peach.finished(run)));
    const filter = `--task failing --since ${since}`;
    await vi.waitFor(async () => {
      expect(lastLine(await here(`retry ${filter} --dry-run`))).toBe("would retry 3 runs of 3 that match");
    }, 60_000);
    expect(lastLine(await here(`retry ${filter} --limit 2 --yes`))).toBe("2 of 2 changed, 0 refused");
    await vi.waitFor(async () => {
      expect((await statuses(runs)).toSorted()).toEqual(["failed", "succeeded", "succeeded"]);
    }, 60_000);

    await vi.waitFor(async () => {
      const succeeded = await here(`replay ${filter} --status succeeded --dry-run`);
      expect(lastLine(succeeded)).toBe("would replay 2 runs of 2 that match");
    }, 60_000);
    const { code, out } = await here(`replay ${filter} --status succeeded --yes --json`);
    const replayed = REPLAYED.parse(JSON.parse(out));
    expect([code, replayed.matched, replayed.changed]).toEqual([0, 2, 2]);
    for (const { run_id: of, new_run_id: id } of replayed.runs)
      expect(await json("show", id)).toMatchObject({ trigger: { source: "replay", replay_of: { run_id: of } } });
  });
});
