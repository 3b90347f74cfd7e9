import { describe, expect, it } from "vitest";
import { z } from "zod";
import { runIdFromBytes } from "../../src/domain/ids.ts";
import { ok, refuse, type Result } from "../../src/domain/problem.ts";
import { encodePayload, type EncodedPayload } from "../../src/payloads/codec.ts";
import type { AcceptedTrigger, TriggerRequest } from "../../src/triggers/accept.ts";
import type { InputSchemas } from "../../src/triggers/check-input.ts";
import { createEmitEvent, type EmitEvent, type EmittedEvent } from "../../src/triggers/emit.ts";
import { pieces } from "../payloads/streams.ts";
import { env } from "../support/env.ts";
import { planOf, taskPlan } from "../support/plan.ts";

const THREE = ["one", "two", "three"] as const;
const RUN = runIdFromBytes(new Uint8Array(16));
const PARENT = { runId: RUN, task: "t", isChild: true } as const;

type Answer = Result<AcceptedTrigger>;
const OVERLOADED = refuse({ code: "overloaded", detail: "Too much.", hint: "Later." });

function taken(task: string): Answer {
  return ok({ runId: RUN, task, deduplicated: false, status: "queued" });
}

function held(value: unknown): EncodedPayload {
  const encoded = encodePayload(value);
  if (!encoded.ok) throw new Error(encoded.problem.detail);
  return encoded.value;
}

function streamed(body: ReadableStream<Uint8Array>): EncodedPayload {
  return { kind: "bytes", form: "Blob", contentType: "x/y", size: null, body };
}

/** Listeners whose triggers are answered by `answer`, and how they are triggered, in order. */
function listening(
  answer: (trigger: TriggerRequest) => Answer | Promise<Answer> = ({ task }) => taken(task),
  { listeners = THREE, registry = { tasks: {} } }: { listeners?: readonly string[]; registry?: InputSchemas } = {},
) {
  const triggers: TriggerRequest[] = [];
  const emit = createEmitEvent({
    plan: planOf(listeners.map((name) => taskPlan(name, { on: { events: ["made"] } }))),
    registry,
    acceptTrigger: async (_env, _lifetime, trigger) => {
      triggers.push(trigger);
      return answer(trigger);
    },
  });
  const event = { name: "made", payload: held(1), idempotencyKey: null, parent: null };
  return {
    triggers,
    emit: (given: Partial<EmittedEvent> = {}) => emit(env, { waitUntil: () => undefined }, { ...event, ...given }),
  };
}

async function textOf({ body }: EncodedPayload): Promise<string> {
  return new Response(body).text();
}

describe("an emitted event", () => {
  it("an emitted event tells each run where it comes from, and nothing that is not known", async () => {
    const known = {
      actor: { kind: "token", name: "ci" },
      depth: 3,
      traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
      event: { id: "1", source: "/desk", type: "made", subject: null, time: null },
      url: "https://peach.example",
    } as const;
    const { triggers, emit } = listening(undefined, { listeners: ["one"] });
    await emit({ ...known, parent: PARENT });
    await emit();
    const bare = { source: "event", by: "made", parent: null };
    expect(triggers.map(({ origin }) => origin)).toStrictEqual([{ ...bare, parent: PARENT, ...known }, bare]);
  });

  it("an emitted event passes the gate with its first listener; the others pass with it, after its answer", async () => {
    const gate = Promise.withResolvers<Answer>();
    const asked = Promise.withResolvers<void>();
    const { triggers, emit } = listening(({ task }) => {
      if (task !== "one") return taken(task);
      asked.resolve();
      return gate.promise;
    });
    const emitted = emit();
    await asked.promise;
    expect(triggers.map(({ task }) => task)).toEqual(["one"]);
    gate.resolve(taken("one"));
    expect(await emitted).toEqual(ok(THREE.map((task) => ({ runId: RUN, task, deduplicated: false }))));
    expect(triggers.map(({ task, hasPassed }) => [task, hasPassed])).toEqual([
      ["one", false],
      ["two", true],
      ["three", true],
    ]);
  });

  it.each<[string, Partial<EmittedEvent>]>([
    ["from outside", {}],
    ["by a task, with a key of its emitter", { parent: PARENT, idempotencyKey: { kind: "event", name: "k" } }],
  ])("an emitted event whose first listener must refuse starts nothing: %s", async (_, event) => {
    const { triggers, emit } = listening(() => OVERLOADED);
    expect(await emit(event)).toEqual(OVERLOADED);
    expect(triggers).toHaveLength(1);
  });

  it.each<[string, () => Partial<EmittedEvent>]>([
    ["by a task", () => ({ parent: PARENT, idempotencyKey: { kind: "child", name: "k" } })],
    ["as a stream", () => ({ payload: streamed(pieces(Uint8Array.of(0x61)).stream) })],
  ])("an emitted event reaches all listeners side by side, each of which passes by itself: %s", async (_, event) => {
    const all = Promise.withResolvers<void>();
    const texts: string[] = [];
    const { triggers, emit } = listening(async ({ task, payload }) => {
      if (task === "three") all.resolve();
      await all.promise;
      texts.push(await textOf(payload));
      return taken(task);
    });
    const given = event();
    const expected = given.payload === undefined ? "1" : "a";
    expect((await emit(given)).ok).toBe(true);
    expect([texts, triggers.map(({ hasPassed }) => hasPassed)]).toEqual([
      [expected, expected, expected],
      [false, false, false],
    ]);
  });

  it("an emitted event as a stream keeps its form for every listener", async () => {
    const { triggers, emit } = listening(async ({ task, payload }) => {
      await textOf(payload);
      return taken(task);
    });
    await emit({ payload: streamed(pieces().stream) });
    expect(triggers.map(({ payload: { kind, form, size } }) => [kind, form, size])).toEqual(
      THREE.map(() => ["bytes", "Blob", null]),
    );
  });

  it("an emitted event that one of several listeners could not record names the runs that were started", async () => {
    const { emit } = listening(({ task }) => (task === "two" ? OVERLOADED : taken(task)));
    expect(await emit()).toMatchObject({
      ok: false,
      problem: {
        code: "overloaded",
        detail: expect.stringContaining(`It has its run of one (${RUN}), three (${RUN}).`),
      },
    });
    const none = listening(() => OVERLOADED);
    expect(await none.emit({ parent: PARENT })).toEqual(OVERLOADED);
  });

  it.each<[string, Parameters<typeof listening>, Awaited<ReturnType<EmitEvent>>]>([
    ["nobody listens", [undefined, { listeners: [] }], ok([])],
    ["every listener refuses", [() => OVERLOADED], OVERLOADED],
  ])("an emitted event lets go of a stream that nobody reads: %s", async (_, given, answer) => {
    const source = pieces(Uint8Array.of(1), Uint8Array.of(2));
    expect(await listening(...given).emit({ payload: streamed(source.stream) })).toEqual(answer);
    expect([source.state(), source.given()]).toEqual(["cancelled", 0]);
  });

  it("an emitted event lets go of what a listener has not read that refuses, and the others read all of it", async () => {
    const source = pieces(...Array.from({ length: 20 }, () => Uint8Array.of(0x61)));
    const { triggers, emit } = listening(async ({ task, payload }) => {
      if (task !== "three") return OVERLOADED;
      expect(await textOf(payload)).toBe("a".repeat(20));
      return taken(task);
    });
    await emit({ payload: streamed(source.stream) });
    for (const { payload } of triggers.slice(0, 2))
      expect(payload.body instanceof ReadableStream && (await payload.body.getReader().read()).done).toBe(true);
  });

  it.each([
    ["one listener, whose own check is enough", ["one"], 0],
    ["two, before the first run is started", ["one", "two"], 2],
  ])("an emitted event is held against the input of its listeners: %s", async (_, listeners, count) => {
    let looked = 0;
    const input = z.number().refine(() => (looked += 1) > 0);
    const { emit } = listening(undefined, { listeners, registry: { tasks: { one: { input }, two: { input } } } });
    await emit();
    expect(looked).toBe(count);
  });

  it("an emitted event is refused whose name is none, of which a few letters are told", async () => {
    const { triggers, emit } = listening();
    const refused = await emit({ name: `no name ${"x".repeat(10_000)}` });
    expect(refused).toMatchObject({
      ok: false,
      problem: { code: "invalid_request", detail: expect.stringMatching(/^"no name x/) },
    });
    expect(!refused.ok && refused.problem.detail.length).toBeLessThan(300);
    expect(triggers).toEqual([]);
  });
});
