import { createExecutionContext } from "cloudflare:test";
import { env } from "../support/env.ts";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type Problem, ProblemError, refuse } from "../../src/domain/problem.ts";
import type { AcceptRequest } from "../../src/objects/run/accept-rpc.ts";
import type { MethodRegistry } from "../../src/execution/author/method.ts";
import type { EncodedPayload } from "../../src/payloads/codec.ts";
import { checkInput, misfitOfItems } from "../../src/triggers/check-input.ts";
import { pieces } from "../payloads/streams.ts";
import { accepting, noting, triggerOf } from "../support/accepting.ts";
import { IS_LONG } from "../support/long.ts";
import { planOf, taskPlan } from "../support/plan.ts";

function many<T>(count: number, item: T): T[] {
  return Array.from({ length: count }, () => item);
}

/** The items of a megabyte that fit, before those that do not. */
const BEFORE = IS_LONG ? 34 : 4;
/** The first twenty that do not. */
const WRONG = many(20, "").map((_, at) => `$[${BEFORE + at}]`);

/** The problem with which a body ends that is checked while it is read. */
async function problemOf(body: EncodedPayload["body"]): Promise<Problem> {
  try {
    for await (const _ of body);
  } catch (error) {
    if (error instanceof ProblemError) return error.problem;
  }
  throw new Error("the body ended without a problem");
}

describe("the input of a typed task", () => {
  const INPUT = z.union([z.string().min(1), z.instanceof(Uint8Array), z.object({ n: z.coerce.number() })]);
  const typed = { kind: "peach.task", input: INPUT, output: null, run: () => null } as const;
  const registry: MethodRegistry = { tasks: { echo: typed }, endpoints: {} };

  it.each([
    ["a text", "x", true],
    ["an empty text", "", false],
    ["bytes", Uint8Array.of(1), true],
    ["JSON", { n: 1 }, true],
    ["other JSON", { n: {} }, false],
  ])("the input of a typed task sees the value that the task would read: %s", async (_, payload, fits) => {
    const answer = await accepting({ registry }).accept(env, createExecutionContext(), triggerOf(payload));
    if (fits) expect(answer.ok).toBe(true);
    else expect(answer).toMatchObject({ ok: false, problem: { code: "invalid_payload", errors: [{ path: "$" }] } });
  });

  it.each([
    [["a", "b"], []],
    [[], []],
    [["a", ""], ["$[1]"]],
    ["a", ["$"]],
  ])("the input of a typed task with `each` is what one item must be: %j", async (payload, wrong) => {
    const task = taskPlan("echo", { each: { maxParallel: 1, onError: "fail" } });
    const answer = await accepting({ registry, plan: planOf([task]) }).accept(
      env,
      createExecutionContext(),
      triggerOf(payload),
    );
    const paths = answer.ok ? [] : answer.problem.errors?.map(({ path }) => path);
    expect(paths).toEqual(wrong);
  });

  it("the input of a typed task with `each` looks at no more items than it names as wrong", async () => {
    let looked = 0;
    const input = z.string().refine(() => (looked += 1) < 0);
    const plan = planOf([taskPlan("echo", { each: { maxParallel: 1, onError: "fail" } })]);
    const { accept } = accepting({ registry: { ...registry, tasks: { echo: { ...typed, input } } }, plan });
    const answer = await accept(env, createExecutionContext(), triggerOf(Array.from({ length: 9_000 }, () => "x")));
    expect([answer.ok ? null : answer.problem.errors?.length, looked]).toEqual([20, 21]);
  });

  it("the input of a typed task changes nothing of what came", async () => {
    const requests: AcceptRequest[] = [];
    const { accept } = accepting({ registry, callRun: noting(requests) });
    await accept(env, createExecutionContext(), triggerOf({ n: "7" }));
    const [first] = requests.map(({ payload }) =>
      payload.at === "inline" ? new TextDecoder().decode(payload.bytes) : "",
    );
    expect(first).toBe('{"n":"7"}');
  });

  it("the input of a typed task sees a stream as a stream, of which nothing is read for that", async () => {
    const streams = { ...registry, tasks: { echo: { ...typed, input: z.instanceof(ReadableStream) } } };
    const requests: AcceptRequest[] = [];
    const { accept } = accepting({ registry: streams, callRun: noting(requests) });
    expect(await accept(env, createExecutionContext(), triggerOf(new Blob(["abc"]).stream()))).toMatchObject({
      ok: true,
    });
    expect(requests).toMatchObject([{ payload: { kind: "stream", size: 3 } }]);
    const refused = await accepting({ registry }).accept(
      env,
      createExecutionContext(),
      triggerOf(new Blob(["x"]).stream()),
    );
    expect(refused).toMatchObject({ ok: false, problem: { code: "invalid_payload" } });
  });

  it.each([
    ["a text", "text", "x".repeat(300_000), true],
    ["another text", "text", "y".repeat(300_000), false],
    ["bytes", "bytes", "x".repeat(9_000_000), true],
    ["other bytes", "bytes", "y".repeat(9_000_000), false],
  ] as const)(
    "the input of a typed task is held against the body of any size, also one that comes as a stream: %s",
    async (_, kind, text, fits) => {
      const all = (value: string): boolean => value.startsWith("x") && value.endsWith("x");
      const input = z.union([z.string().refine(all), z.instanceof(Uint8Array).refine((it) => it[0] === 0x78)]);
      const requests: AcceptRequest[] = [];
      const { accept } = accepting({
        registry: { ...registry, tasks: { echo: { ...typed, input } } },
        callRun: noting(requests),
      });
      const body = new Blob([text]).stream();
      const payload = { kind, contentType: "x/y", size: null, body } as const;
      const answer = await accept(env, createExecutionContext(), { ...triggerOf(1), payload });
      if (fits) {
        expect(answer.ok).toBe(true);
        const [request] = requests;
        if (request?.payload.at !== "r2") throw new Error("not in R2");
        expect(await (await env.PAYLOADS.get(request.payload.key))?.text()).toBe(text);
      } else {
        expect(answer).toMatchObject({ ok: false, problem: { code: "invalid_payload" } });
        expect(requests).toEqual([]);
      }
    },
  );

  it("the input of a typed task refuses what is too large to be held against it: 32 MB, declared or not", async () => {
    const block = new Uint8Array(1_048_576);
    const body = (blocks: number) => pieces(...Array.from({ length: blocks }, () => block));
    const accept = async (blocks: number, size: number | null) => {
      const { stream, given, state } = body(blocks);
      const payload = { kind: "bytes", contentType: "x/y", size, body: stream } as const;
      const answer = await accepting({ registry, callRun: noting([]) }).accept(env, createExecutionContext(), {
        ...triggerOf(1),
        payload,
      });
      return { answer, read: given(), state: state() };
    };
    expect(await accept(40, null)).toMatchObject({
      answer: { ok: false, problem: { code: "payload_too_large", hint: expect.stringContaining("without `input`") } },
      read: 33,
      state: "cancelled",
    });
    expect(await accept(40, 40 * 1_048_576)).toMatchObject({
      answer: { ok: false, problem: { code: "payload_too_large" } },
      read: 0,
      state: "cancelled",
    });
    expect(await accept(32, null)).toMatchObject({ answer: { ok: true } });
  });

  it.each([
    ["in memory, whose items fit", false, 34, [], []],
    ["in memory, whose last item is wrong", false, BEFORE, ["short"], [`$[${BEFORE}]`]],
    ["in a stream, whose items fit", true, 34, [], []],
    ["in a stream, whose last item is wrong", true, BEFORE, ["short"], [`$[${BEFORE}]`]],
    ["in a stream, with many wrong items", true, BEFORE, many(50, ""), WRONG],
  ] as const)(
    "the input of a typed task with `each` is held against an array of any size: %s",
    async (_, isStream, megabytes, last, wrong) => {
      const plan = planOf([taskPlan("echo", { each: { maxParallel: 1, onError: "fail" } })]);
      const requests: AcceptRequest[] = [];
      const { accept } = accepting({
        registry: { ...registry, tasks: { echo: { ...typed, input: z.string().min(6) } } },
        plan,
        callRun: noting(requests),
      });
      const bytes = new TextEncoder().encode(JSON.stringify([...many(megabytes, "x".repeat(1_000_000)), ...last]));
      const blocks = many(megabytes + 1, 0).map((__, at) => bytes.slice(at * 1_000_000, (at + 1) * 1_000_000));
      const body: EncodedPayload = isStream
        ? { kind: "json", contentType: "application/json", size: bytes.length, body: pieces(...blocks).stream }
        : { kind: "json", contentType: "application/json", size: bytes.length, body: bytes };
      const payload = { ...body, length: megabytes + last.length };
      const answer = await accept(env, createExecutionContext(), { ...triggerOf(1), payload });
      expect(answer.ok ? [] : answer.problem.errors?.map(({ path }) => path)).toEqual(wrong);
      expect(requests).toHaveLength(wrong.length === 0 ? 1 : 0);
    },
  );

  it.each([
    ["held, 20", false, 20, / more\)\.$/],
    ["held, 21", false, 21, / More than 20 places are wrong/],
    ["while it is read, 20", true, 20, / more\)\.$/],
    ["while it is read, 21", true, 21, / More than 20 places are wrong/],
  ] as const)(
    "the input of a typed task is told whether more items of a large array are wrong than are named: %s",
    async (_, isStream, wrong, said) => {
      const task = { name: "echo", method: "echo", each: {} };
      const input = z.string().min(1);
      // The last item comes in a block of its own.
      const blocks = [`[${many(wrong - 1, '""').join()}`, ',""]'].map((text) => new TextEncoder().encode(text));
      const body = pieces(...blocks).stream;
      const payload = { kind: "json", contentType: "application/json", size: 40_000_000, body } as const;
      const checked = await checkInput({ tasks: { echo: { input } } }, task, payload);
      const problem = isStream
        ? checked.ok && (await problemOf(checked.value.body))
        : await misfitOfItems(task, input, pieces(...blocks).stream);
      expect(problem).toMatchObject({
        errors: many(20, 0).map((__, at) => ({ path: `$[${at}]` })),
        detail: expect.stringMatching(said),
      });
    },
  );

  it("the input of a typed task holds 32 MB of bytes against it, and not one byte more", async () => {
    const task = { name: "echo", method: "echo" };
    const answers = [];
    const [most, over] = [new Uint8Array(33_554_432), new Uint8Array(33_554_433)];
    const type = { kind: "bytes", contentType: "x/y" } as const;
    for (const payload of [
      { ...type, size: most.length, body: most },
      { ...type, size: most.length, body: pieces(most).stream },
      { ...type, size: over.length, body: over },
    ]) {
      const checked = await checkInput(registry, task, payload);
      answers.push(checked.ok ? checked.value.size : checked.problem.code);
    }
    expect(answers).toEqual([33_554_432, 33_554_432, "payload_too_large"]);
  });

  it("the input of a typed task is refused with what its body was found to be while it was read", async () => {
    const { ok: _, ...refusal } = refuse({ code: "payload_too_large", detail: "It is.", hint: "Less." });
    const { stream } = pieces(Uint8Array.of(1), new ProblemError(refusal.problem));
    const payload = { kind: "bytes", contentType: "x/y", size: null, body: stream } as const;
    const answer = await accepting({ registry }).accept(env, createExecutionContext(), { ...triggerOf(1), payload });
    expect(answer).toEqual({ ok: false, ...refusal });
  });

  it("the input of a typed task names at most 20 places that are wrong", async () => {
    const input = z.array(z.string());
    const { accept } = accepting({ registry: { ...registry, tasks: { echo: { ...typed, input } } } });
    const answer = await accept(env, createExecutionContext(), triggerOf(Array.from({ length: 50 }, () => 1)));
    if (answer.ok) throw new Error("accepted");
    expect(answer.problem.errors?.map(({ path }) => path)).toEqual(Array.from({ length: 20 }, (__, at) => `$[${at}]`));
    expect(answer.problem.detail).toContain("More than 20 places are wrong");
  });
});
