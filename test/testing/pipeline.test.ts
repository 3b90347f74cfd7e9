import { writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHmac } from "node:crypto";
import { afterAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { RefusedError, testPipeline, WaitingOutsideError } from "peach/testing";
import {
  emitEvent,
  log,
  NonRetryableError,
  passToChildTask,
  readFromParentTask,
  RetryAfterError,
  task,
  triggerTaskWithEvent,
} from "peach/task-helpers";
import { z } from "zod";

const NOW = "2026-11-29T10:00:00Z";
const folder = mkdtempSync(join(tmpdir(), "peach-kit-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A pause of a task: the test moves its clock. */
// oxlint-disable-next-line no-restricted-globals
const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

describe("testPipeline", () => {
  it("testPipeline runs the tasks of a diamond at once, and retries when their delay is over", async () => {
    let fails = 1;
    const peach = await testPipeline({
      now: NOW,
      conf: `
tasks:
  a: {method: a, downstream: [b, c]}
  b: {method: b, downstream: d}
  c: {method: c, downstream: d, retries: {limit: 2, delay: 10s, jitter: false}}
  d: {method: d}
`,
      pipelines: {
        a: async (payload: unknown) => {
          log.info("hello", { payload });
          passToChildTask({ from: payload, at: new Date().toISOString() });
        },
        b: async () => ({ b: await readFromParentTask() }),
        c: async () => {
          if (fails-- > 0) throw new Error("not yet");
          return "c";
        },
        d: (payload: unknown) => payload,
      },
    });
    const run = await peach.trigger("a", { n: 1 });
    expect(run.status).toBe("running");
    await peach.advance("9s");
    expect(run.task("c")).toMatchObject({ status: "retrying", passed: undefined, error: { message: "not yet" } });
    await peach.advance("1s");
    expect(run.status).toBe("succeeded");
    expect(run.task("d").passed).toEqual({ b: { b: { from: { n: 1 }, at: "2026-11-29T10:00:00.000Z" } }, c: "c" });
    expect(run.trace).toEqual(["a", "b", "c", "c attempt 2", "d"]);
    expect(run.task("c").attempts.map(({ status }) => status)).toEqual(["failed", "succeeded"]);
    expect(run.logs).toMatchObject([{ task: "a", attempt: 1, level: "info", message: "hello" }]);
    expect(peach.now.toISOString()).toBe("2026-11-29T10:00:10.000Z");
  });

  it("testPipeline names the task that was meant, for a trigger, a mock and a task of a run", async () => {
    const options = { conf: "tasks:\n  greet: {method: greet}\n", pipelines: { greet: () => "hi" } };
    const peach = await testPipeline(options);
    await expect(peach.trigger("gret")).rejects.toThrow('no task "gret": did you mean "greet"?');
    const run = await peach.trigger("greet");
    expect(() => run.task("great")).toThrow('did you mean "greet"?');
    await expect(testPipeline({ ...options, mocks: { gret: () => 1 } })).rejects.toThrow('did you mean "greet"?');
  });

  it("testPipeline says every problem of peach.conf, at its place", async () => {
    const options = { conf: "tasks:\n  a: {method: b, downstream: c}\n", pipelines: { a: () => 1 } };
    await expect(testPipeline(options)).rejects.toThrow(/peach\.conf:2:.*no file .* exports `b`/s);
  });

  it("testPipeline maps a mock over 1,000 items", async () => {
    const peach = await testPipeline({
      conf: "tasks:\n  list: {method: list, downstream: double}\n  double: {method: double, each: true, downstream: sum}\n  sum: {method: sum}\n",
      pipelines: {
        list: () => Array.from({ length: 1_000 }, (_, index) => index),
        double: () => {
          throw new Error("the mock is called");
        },
        sum: (numbers: number[]) => numbers.reduce((sum, number) => sum + number, 0),
      },
      mocks: { double: (number: number) => 2 * number },
    });
    const run = await peach.trigger("list");
    await peach.advance("1m");
    expect(run.task("sum").passed).toBe(999_000);
    expect(run.task("double").document.each).toMatchObject({ total: 1_000, succeeded: 1_000 });
  });

  it("testPipeline checks what a mock returns against the types of its task", async () => {
    const greet = task({ input: z.object({ name: z.string() }), output: z.string(), run: ({ name }) => `hi ${name}` });
    const options = { conf: "tasks:\n  greet: {method: greet}\n", pipelines: { greet } };
    const peach = await testPipeline({ ...options, mocks: { greet: () => 5 } });
    const run = await peach.trigger("greet", { name: "Ada" });
    expect(run.task("greet").error?.message).toMatch(/what the task "greet" passes/);
    const refusal = await peach.trigger("greet", { nam: "Ada" }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(RefusedError);
    expect(refusal).toMatchObject({ code: "invalid_payload", errors: [{ path: "$.name" }] });
  });

  it("testPipeline lets a run wait for the run that it has triggered, for hours", async () => {
    const peach = await testPipeline({
      conf: "tasks:\n  parent: {method: parent}\n  child: {method: child}\n",
      pipelines: {
        parent: async () => {
          const child = await triggerTaskWithEvent("child", 20, { delay: "2h" });
          return { answer: await child.output(undefined, { timeout: "3h" }) };
        },
        child: (n: number) => n + 22,
      },
    });
    const run = await peach.trigger("parent");
    await peach.advance("1h");
    expect(run.status).toBe("running");
    await peach.advance("61m");
    expect(run.task("parent").passed).toEqual({ answer: 42 });
    expect(run.children.map(({ status }) => status)).toEqual(["succeeded"]);
    expect(peach.runs).toHaveLength(2);
  });

  it("testPipeline waits for an external task until it is completed", async () => {
    const peach = await testPipeline({
      conf: "tasks:\n  ask: {method: ask, external: true, timeout: 1d, downstream: tell}\n  tell: {method: tell}\n",
      pipelines: { ask: () => undefined, tell: (answer: string) => `they said ${answer}` },
    });
    const run = await peach.trigger("ask");
    expect(run.task("ask").status).toBe("waiting");
    await peach.complete(run, "ask", { status: "succeeded", payload: "yes" });
    expect(run.task("tell").passed).toBe("they said yes");
    await expect(peach.complete(run, "ask", { status: "failed", error: { message: "no" } })).rejects.toMatchObject({
      code: "already_completed",
    });
  });

  it("testPipeline starts what is scheduled while time passes, also where an hour comes twice", async () => {
    const peach = await testPipeline({
      now: "2026-10-24T22:00:00Z",
      conf: 'tasks:\n  tick: {method: tick, schedule: {cron: "30 2 * * *", timezone: Europe/Berlin}}\n',
      pipelines: { tick: () => new Date().toISOString() },
    });
    await peach.advance("2d");
    expect(peach.runs.map((run) => run.task("tick").passed)).toEqual([
      "2026-10-25T00:30:00.000Z",
      "2026-10-26T01:30:00.000Z",
    ]);
  });

  it("testPipeline starts a debounced task once, with the last payload", async () => {
    const peach = await testPipeline({
      conf: "tasks:\n  save: {method: save, debounce: {delay: 10s}}\n",
      pipelines: { save: (text: string) => text },
    });
    const first = await peach.trigger("save", "a");
    await peach.advance("5s");
    const second = await peach.trigger("save", "b");
    await peach.advance("10s");
    expect(second.id).toBe(first.id);
    expect(peach.runs.map((run) => run.task("save").passed)).toEqual(["b"]);
  });

  it("testPipeline holds back what a limit holds back", async () => {
    let most = 0;
    let running = 0;
    const peach = await testPipeline({
      conf: "tasks:\n  work: {method: work, concurrency: 1}\n",
      pipelines: {
        work: async () => {
          most = Math.max(most, (running += 1));
          await pause(5_000);
          running -= 1;
        },
      },
    });
    for (let n = 0; n < 3; n += 1) await peach.trigger("work", n);
    await peach.advance("1m");
    expect(peach.runs.map(({ status }) => status)).toEqual(["succeeded", "succeeded", "succeeded"]);
    expect(most).toBe(1);
  });

  it("testPipeline ends a task that throws as its error says", async () => {
    const peach = await testPipeline({
      conf: "tasks:\n  never: {method: never}\n  later: {method: later, retries: 1}\n",
      pipelines: {
        never: () => {
          throw new NonRetryableError("no use");
        },
        later: (_: unknown, { attempt }: { readonly attempt: number }) => {
          if (attempt === 1) throw new RetryAfterError("1h", "busy");
          return "done";
        },
      },
    });
    const never = await peach.trigger("never");
    expect(never.task("never").attempts).toMatchObject([{ error: { name: "NonRetryableError", message: "no use" } }]);
    expect(never.status).toBe("failed");
    const later = await peach.trigger("later");
    await peach.advance("59m");
    expect(later.status).not.toBe("succeeded");
    await peach.advance("1m");
    expect(later.task("later").passed).toBe("done");
  });

  it("testPipeline cancels and retries a run", async () => {
    let isBroken = true;
    const peach = await testPipeline({
      conf: "tasks:\n  a: {method: a, retries: 0}\n  slow: {method: a}\n",
      pipelines: {
        a: () => {
          if (isBroken) throw new Error("broken");
          return "mended";
        },
      },
    });
    const run = await peach.trigger("a");
    isBroken = false;
    await peach.retry(run);
    expect(run.task("a").passed).toBe("mended");
    const delayed = await peach.trigger("slow", null, { delay: "1h" });
    await peach.cancel(delayed);
    expect(delayed.status).toBe("cancelled");
    await expect(peach.cancel(delayed)).rejects.toThrow("run_final");
  });

  it("testPipeline triggers a task with a blob or a stream of the test's own", async () => {
    const peach = await testPipeline({
      conf: "tasks:\n  take: {method: take}\n",
      pipelines: {
        take: async (payload: Blob | ReadableStream) => [payload.constructor.name, await new Response(payload).text()],
      },
    });
    const blob = await peach.trigger("take", new Blob(["one"], { type: "text/x-note" }));
    const stream = await peach.trigger("take", new Blob(["two"]).stream());
    const untyped = await peach.trigger("take", new Blob([]));
    expect([blob, stream, untyped].map((run) => run.task("take").passed)).toEqual([
      ["Blob", "one"],
      ["ReadableStream", "two"],
      ["Blob", ""],
    ]);
  });

  it("testPipeline passes bytes, streams and blobs as what they are", async () => {
    const seen: unknown[] = [];
    const peach = await testPipeline({
      conf: "tasks:\n  make: {method: make, downstream: take}\n  take: {method: take}\n",
      pipelines: {
        make: (kind: string) =>
          kind === "stream" ? new Blob(["abc"]).stream() : kind === "blob" ? new Blob(["abc"]) : Uint8Array.of(1, 2),
        take: async (payload: Uint8Array | Blob | ReadableStream) => {
          seen.push(payload.constructor.name);
          return payload instanceof Uint8Array ? payload.length : new Response(payload).text();
        },
      },
    });
    const results: unknown[] = [];
    for (const kind of ["bytes", "blob", "stream"])
      results.push((await peach.trigger("make", kind)).task("take").passed);
    expect(results).toEqual([2, "abc", "abc"]);
    expect(seen).toEqual(["Uint8Array", "Blob", "ReadableStream"]);
  });

  it("testPipeline starts runs for events, and for objects that are uploaded", async () => {
    const peach = await testPipeline({
      conf: "tasks:\n  note: {method: note, on: {event: audio.published}}\n  scan: {method: scan, on: {r2: {bucket: incoming, prefix: audio/}}}\n",
      pipelines: {
        note: (payload: unknown) => payload,
        scan: async ({ key }: { readonly key: string }, { env }: { env: { INCOMING: R2Bucket } }) => {
          const object = await env.INCOMING.get(key);
          await emitEvent("audio.published", { text: await object?.text() });
          return object?.httpMetadata?.contentType;
        },
      },
    });
    const [run] = await peach.upload("incoming", "audio/a.txt", "hello", { contentType: "text/plain" });
    expect(run?.task("scan").passed).toBe("text/plain");
    expect(peach.runs.map(({ document }) => [document.task, document.trigger.source])).toEqual([
      ["scan", "r2"],
      ["note", "event"],
    ]);
    expect(peach.runs[1]?.task("note").passed).toEqual({ text: "hello" });
    expect(await peach.emit("nobody.listens")).toEqual([]);
    await expect(peach.upload("incomming", "a", "b")).rejects.toThrow('no bucket is called "incomming"');
  });

  it("testPipeline says that there is no bucket where an upload has none to go to", async () => {
    const tasks = "tasks:\n  scan: {method: scan}\n";
    writeFileSync(join(folder, "wrangler.toml"), 'name = "none"\n');
    const cwd = vi.spyOn(process, "cwd").mockReturnValue(folder);
    onTestFinished(() => cwd.mockRestore());
    const peach = await testPipeline({ conf: tasks, pipelines: { scan: () => null } });
    await expect(peach.upload("incoming", "a", "b")).rejects.toThrow(
      'no bucket is called "incoming": neither wrangler.toml nor peach.conf names one',
    );
  });

  it("testPipeline shows the problems of a given text and of given functions without a path of its own files", async () => {
    const given = testPipeline({ conf: "tasks:\n  a: {method: b}\n  a: {method: c}\n", pipelines: {} });
    await expect(given).rejects.toThrow(/:\n\npeach\.conf:3:3: [^]*\n  peach\.conf:2:3: /);
    const absent = testPipeline({ conf: "tasks:\n  a: {method: b}\n", pipelines: { c: () => null } });
    await expect(absent).rejects.toThrow(
      /^peach\.conf has a problem:\n\npeach\.conf:2:15: .*: no file under pipelines exports `b`/,
    );
  });

  it("testPipeline serves endpoints, with their authentication", async () => {
    const peach = await testPipeline({
      conf: `
tasks:
  work: {method: work}
endpoints:
  open: {method: hello, url: "/hello/:name", auth: none}
  guarded: {method: hello, url: "/guarded/:name", auth: token}
  hook: {method: hook, auth: {signature: hmac-sha256, secret: HOOK_SECRET}}
`,
      env: { HOOK_SECRET: "a secret of the test" },
      pipelines: {
        work: (payload: unknown) => payload,
        hello: (_: Request, { params }: { readonly params: { readonly name: string } }) => ({ hello: params.name }),
        hook: async (request: Request) => void (await triggerTaskWithEvent("work", await request.json())),
      },
    });
    expect(await (await peach.request("/hello/ada")).json()).toEqual({ hello: "ada" });
    expect((await peach.request("/guarded/ada")).status).toBe(401);
    const headers = { authorization: `Bearer ${peach.token}` };
    expect(await (await peach.request("/guarded/ada", { headers })).json()).toEqual({ hello: "ada" });
    const body = JSON.stringify({ n: 1 });
    const signature = createHmac("sha256", "a secret of the test").update(body).digest("hex");
    const sent = await peach.request("/hook", { method: "POST", body, headers: { "x-signature": signature } });
    expect([sent.status, await sent.json()]).toMatchObject([202, { runs: [{ task: "work" }] }]);
    expect(peach.runs[0]?.task("work").passed).toEqual({ n: 1 });
    expect((await peach.request("/hook", { method: "POST", body })).status).toBe(401);
  });

  it("testPipeline keeps two worlds of one process apart", async () => {
    const open = (now: string) =>
      testPipeline({
        now,
        conf: "tasks:\n  when: {method: when}\n",
        pipelines: {
          when: async () => {
            await pause(1_000);
            return new Date().toISOString();
          },
        },
      });
    const [one, other] = await Promise.all([open("2026-01-01T00:00:00Z"), open("2027-01-01T00:00:00Z")]);
    const runs = await Promise.all([one.trigger("when"), other.trigger("when")]);
    await Promise.all([one.advance("1s"), other.advance("1s")]);
    expect(runs.map((run) => run.task("when").passed)).toEqual([
      "2026-01-01T00:00:01.000Z",
      "2027-01-01T00:00:01.000Z",
    ]);
  });

  it("testPipeline says what a task waits for that never ends, and lets its time run out after that", async () => {
    const peach = await testPipeline({
      patience: "20ms",
      conf: "tasks:\n  hang: {method: hang, retries: 0, timeout: 10s}\n",
      pipelines: { hang: () => new Promise(() => {}) },
    });
    const waits = await peach.trigger("hang").catch((error: unknown) => error);
    expect(waits).toBeInstanceOf(WaitingOutsideError);
    expect(waits).toMatchObject({ message: expect.stringMatching(/the task "hang" \(run run_\w+, attempt 1\) waits/) });
    await peach.advance("10s");
    expect(peach.runs[0]?.task("hang")).toMatchObject({ status: "failed", error: { name: "TimeoutError" } });
  });

  it("testPipeline lets a task wait for something of this process while its clock stands still", async () => {
    const peach = await testPipeline({
      now: NOW,
      conf: "tasks:\n  read: {method: read}\n",
      pipelines: {
        read: async () => {
          await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
          return new Date().toISOString();
        },
      },
    });
    expect((await peach.trigger("read")).task("read").passed).toBe("2026-11-29T10:00:00.000Z");
  });

  it("testPipeline gives the bindings of wrangler.toml in memory, and the test's own as they are", async () => {
    const peach = await testPipeline({
      conf: "tasks:\n  keep: {method: keep}\n",
      env: { API: "a value" },
      pipelines: {
        keep: async (
          text: string,
          { env }: { env: { RECOMMENDATIONS: KVNamespace; UPLOADS: R2Bucket; API: string } },
        ) => {
          await env.RECOMMENDATIONS.put("text", text);
          await env.UPLOADS.put("text", text);
          return [
            env.API,
            await env.RECOMMENDATIONS.get("text"),
            Object.keys(env).filter((name) => /PEACH|RUNS/.test(name)),
          ];
        },
      },
    });
    const run = await peach.trigger("keep", "kept");
    expect(run.task("keep").passed).toEqual(["a value", "kept", []]);
    expect(await peach.env.RECOMMENDATIONS.get("text")).toBe("kept");
  });

  it("testPipeline runs a recorded run again with its exact payload", async () => {
    const file = join(folder, "run.json");
    writeFileSync(
      file,
      JSON.stringify({
        version: 1,
        run_id: "run_0",
        task: "echo",
        status: "failed",
        created_at: NOW,
        conf_version: "x",
        payload: { kind: "json", value: { n: 1 } },
        tasks: [],
      }),
    );
    const peach = await testPipeline({
      conf: "tasks:\n  echo: {method: echo}\n",
      pipelines: { echo: (n: unknown) => n },
    });
    expect((await peach.load(file)).task("echo").passed).toEqual({ n: 1 });
  });

  it("testPipeline makes the same snapshot of the same run at any time", async () => {
    const snapshotAt = async (now: string, seed: number) => {
      const peach = await testPipeline({
        now,
        seed,
        conf: "tasks:\n  a: {method: a, retries: {limit: 1, delay: 2s, jitter: false}}\n",
        pipelines: {
          a: (_: unknown, { runId, attempt }: { readonly runId: string; readonly attempt: number }) => {
            if (attempt === 1) throw new Error(`${runId} is not ready`);
            return { runId };
          },
        },
      });
      await peach.trigger("a", "x");
      await peach.advance("2s");
      return peach.snapshot();
    };
    const [one, other] = [await snapshotAt(NOW, 1), await snapshotAt("2031-01-01T00:00:00Z", 2)];
    expect(other).toEqual(one);
    expect(one).toEqual([
      {
        task: "a",
        status: "succeeded",
        source: "api",
        payload: "x",
        tasks: {
          a: {
            status: "succeeded",
            attempts: ["+0s failed: Error: <run 1> is not ready", "+2s succeeded"],
            passed: { runId: "<run 1>" },
          },
        },
      },
    ]);
  });

  it("testPipeline leaves the clock and the chances of this process alone", async () => {
    const peach = await testPipeline({
      now: "2020-01-01T00:00:00Z",
      conf: "tasks:\n  a: {method: a}\n",
      pipelines: { a: () => [Date.now(), new Date() instanceof Date, Math.random(), crypto.randomUUID()] },
    });
    const [run, again] = [await peach.trigger("a"), await peach.trigger("a")];
    expect(run.task("a").passed).toMatchObject({ 0: Date.parse("2020-01-01T00:00:00Z"), 1: true });
    expect(again.task("a").passed).not.toEqual(run.task("a").passed);
    expect(Date.now()).toBeGreaterThan(Date.parse("2026-01-01T00:00:00Z"));
  });
});
