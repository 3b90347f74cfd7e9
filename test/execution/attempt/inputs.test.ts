import { env } from "../../support/env.ts";
import { describe, expect, it, vi } from "vitest";
import type { NewPayload } from "../../../src/domain/payload.ts";
import { encodePayload } from "../../../src/payloads/codec.ts";
import { storePayload } from "../../../src/payloads/payload-store.ts";
import type { Lease } from "../../../src/objects/run/lease-rpc.ts";
import type { TaskFunction } from "../../../src/execution/author/method.ts";
import { readFromParentTask } from "../../../src/task-helpers.ts";
import { attempt } from "../../support/attempt.ts";
import { inline } from "../../support/settlements.ts";

type Reading = Pick<Lease, "shape" | "parents" | "inputs">;

const OF_TRIGGER: Reading = { shape: "trigger", parents: [], inputs: [{ parent: "", payload: inline({ id: 1 }) }] };
const OF_ONE: Reading = {
  shape: "value",
  parents: ["first"],
  inputs: [{ parent: "first", payload: inline("of first") }],
};
/** Of three declared parents, `elsewhere` is not in this run and passed nothing. */
const OF_SEVERAL: Reading = {
  shape: "keyed",
  parents: ["left", "right", "elsewhere"],
  inputs: [
    { parent: "left", payload: inline("l") },
    { parent: "right", payload: inline(null) },
  ],
};

/** Runs the method; rejects with the error of a failed attempt. */
async function run(method: TaskFunction, reading: Partial<Lease>): Promise<void> {
  const { outcome } = (await attempt(method, reading)).settlement;
  if (outcome.type === "failed") throw new Error(outcome.error.message);
  expect(outcome.type).toBe("succeeded");
}

/** What `readFromParentTask(parent)` gives. */
async function read(reading: Partial<Lease>, parent?: string): Promise<unknown> {
  let value: unknown = "never read";
  await run(async () => void (value = await readFromParentTask(parent)), reading);
  return value;
}

/** What the method is called with. */
async function payloadOf(reading: Partial<Lease>): Promise<unknown> {
  let value: unknown = "never called";
  await run((payload) => void (value = payload), reading);
  return value;
}

async function textOf(stream: unknown): Promise<string> {
  if (!(stream instanceof ReadableStream)) throw new Error(`${String(stream)} is no stream`);
  return new Response(stream).text();
}

describe("what a task reads", () => {
  it.each<[string, Reading, unknown]>([
    ["the root: what the trigger carried", OF_TRIGGER, { id: 1 }],
    ["one parent: its value", OF_ONE, "of first"],
    ["several parents: by name, without those that are not in this run", OF_SEVERAL, { left: "l", right: null }],
    ["several parents of which none passed anything", { ...OF_SEVERAL, inputs: [] }, {}],
  ])("%s; the payload is the same", async (_, reading, value) => {
    expect(await read(reading)).toEqual(value);
    expect(await payloadOf(reading)).toEqual(value);
  });

  it("what a task reads from a parent by name is its value, whatever the shape", async () => {
    expect(await read(OF_ONE, "first")).toBe("of first");
    expect(await read(OF_SEVERAL, "left")).toBe("l");
    expect(await read(OF_SEVERAL, "right")).toBeNull();
  });

  it("what a task reads from a parent that is not in this run is undefined", async () => {
    expect(await read(OF_SEVERAL, "elsewhere")).toBeUndefined();
  });

  it("reading from a task that is no parent is an error with the nearest name", async () => {
    await expect(read(OF_SEVERAL, "lefd")).rejects.toThrow(
      '"lefd" is no upstream task of "only". Did you mean "left"? Its upstream tasks are left, right, elsewhere.',
    );
    await expect(read(OF_TRIGGER, "left")).rejects.toThrow("It has no upstream task.");
  });
});

describe("a task that is tried alone", () => {
  it("a task that is tried alone with one declared parent reads what the trigger carried, by that name too", async () => {
    const alone: Reading = { ...OF_TRIGGER, parents: ["first"] };
    expect(await payloadOf(alone)).toEqual({ id: 1 });
    expect(await read(alone, "first")).toEqual({ id: 1 });
  });

  it("a task that is tried alone with several declared parents has its trigger stand for the object by name", async () => {
    const carried = inline({ left: "l", toString: "own" });
    const alone: Reading = {
      shape: "trigger",
      parents: ["left", "right", "valueOf"],
      inputs: [{ parent: "", payload: carried }],
    };
    expect(await read(alone)).toEqual({ left: "l", toString: "own" });
    expect(await read(alone, "left")).toBe("l");
    expect(await read(alone, "right")).toBeUndefined();
    expect(await read(alone, "valueOf")).toBeUndefined();
    expect(await read({ ...alone, inputs: [{ parent: "", payload: inline("no object") }] }, "left")).toBeUndefined();
  });
});

describe("reading as a stream", () => {
  const bytes = new Uint8Array([104, 105]);
  it.each<[string, unknown, string]>([
    ["json", { a: "ü" }, '{"a":"ü"}'],
    ["text", "hi", "hi"],
    ["bytes", bytes, "hi"],
    ["a Blob", new Blob(["hi"], { type: "audio/mpeg" }), "hi"],
    ["a stream", new Blob(["hi"]).stream(), "hi"],
    ["nothing but a stream's end", new Blob([]).stream(), ""],
  ])("reading as a stream gives the bytes of %s, inline and from R2", async (_, value, text) => {
    const [newPayload, stored] = await bothPlaces(value);
    for (const payload of [newPayload, stored]) {
      const inputs = [{ parent: "first", payload }];
      await run(
        async () => {
          expect(await textOf(await readFromParentTask(undefined, { as: "stream" }))).toBe(text);
          expect(await textOf(await readFromParentTask("first", { as: "stream" }))).toBe(text);
        },
        { ...OF_ONE, inputs },
      );
    }
  });

  it("reading as a stream gives one of several parents by name, and asks which otherwise", async () => {
    let text: string | null = null;
    await run(async () => void (text = await textOf(await readFromParentTask("left", { as: "stream" }))), OF_SEVERAL);
    expect(text).toBe("l");
    await expect(run(() => readFromParentTask(undefined, { as: "stream" }), OF_SEVERAL)).rejects.toThrow(
      'the task "only" reads from several tasks; name one: left, right',
    );
    await expect(run(() => readFromParentTask("elsewhere", { as: "stream" }), OF_SEVERAL)).rejects.toThrow(
      'the task "only" reads nothing from elsewhere in this run',
    );
  });
});

describe("a payload that is a stream", () => {
  it("a payload that is a stream can be read again and again: each reader has a stream of its own", async () => {
    for (const payload of await bothPlaces(new Blob(["of the stream"]).stream())) {
      await run(
        async (handed) => {
          expect(await textOf(handed)).toBe("of the stream");
          expect(await textOf(await readFromParentTask())).toBe("of the stream");
          expect(await textOf(await readFromParentTask("first", { as: "stream" }))).toBe("of the stream");
        },
        { ...OF_ONE, inputs: [{ parent: "first", payload }] },
      );
    }
  });

  it("a payload that is a stream is not opened before it is read, and may be left unread or cancelled", async () => {
    const gone: NewPayload = { kind: "stream", size: 3, contentType: "x/y", at: "r2", key: "runs/x/0/gone" };
    const reading: Reading = { ...OF_ONE, inputs: [{ parent: "first", payload: gone }] };
    await run(async (handed: ReadableStream) => handed.cancel(), reading);
    await expect(run(async (handed: ReadableStream) => void (await textOf(handed)), reading)).rejects.toThrow(gone.key);
  });
});

describe("a payload in R2", () => {
  const gone: NewPayload = { kind: "bytes", size: 3, contentType: "x/y", at: "r2", key: "runs/x/0/gone" };
  const reading: Reading = { ...OF_ONE, inputs: [{ parent: "first", payload: gone }] };

  it.each<[string, TaskFunction]>([
    ["an arrow", () => 1],
    ["an async arrow", async () => 1],
    ["a function", function () {}],
    ["an async function", async function named() {}],
    ["a method", Reflect.get({ async run() {} }, "run")],
  ])("a payload in R2 is not fetched for a method that is written without parameters: %s", async (_, method) => {
    await run(method, reading);
  });

  it.each<[string, TaskFunction]>([
    ["a parameter", (_payload) => 1],
    ["rest parameters", (..._payloads) => 1],
    [
      "arguments",
      function () {
        return arguments.length;
      },
    ],
    ["a function that does not show how it is written", Math.random],
  ])("a payload in R2 is fetched for one that could see it: %s", async (_, method) => {
    await expect(run(method, reading)).rejects.toThrow(gone.key);
  });
});

describe("a payload above 32 MB", () => {
  const LIMIT = 33_554_432;
  const sized = (kind: NewPayload["kind"], size: number, key = "runs/x/0/gone"): NewPayload => {
    return { kind, size, contentType: "x/y", at: "r2", key };
  };
  const ofOne = (payload: NewPayload): Reading => ({ ...OF_ONE, inputs: [{ parent: "first", payload }] });

  it.each(["json", "text", "bytes"] as const)(
    "a payload above 32 MB of kind %s is refused as a value, for good, unfetched",
    async (kind) => {
      const get = vi.spyOn(env.PAYLOADS, "get");
      const { settlement } = await attempt((_payload) => 1, ofOne(sized(kind, LIMIT + 1)));
      expect(settlement.outcome).toMatchObject({
        type: "failed",
        retryable: false,
        error: { message: expect.stringMatching(/^What "first" passed has 33554433 bytes.*\{ as: "stream" \}/) },
      });
      await expect(read(ofOne(sized(kind, LIMIT + 1)), "first")).rejects.toThrow("as a value");
      expect(get).not.toHaveBeenCalled();
      get.mockRestore();
      // Up to the limit it is fetched.
      await expect(read(ofOne(sized(kind, LIMIT)))).rejects.toThrow("runs/x/0/gone");
    },
  );

  it("a payload above 32 MB is read as a stream", async () => {
    const key = `runs/x/${crypto.randomUUID()}`;
    await env.PAYLOADS.put(key, "large");
    const reading = ofOne(sized("text", LIMIT + 1, key));
    await run(async () => {
      expect(await textOf(await readFromParentTask("first", { as: "stream" }))).toBe("large");
    }, reading);
    // A stream is one whatever its size.
    await run(
      (handed: unknown) => {
        expect(handed).toBeInstanceOf(ReadableStream);
      },
      ofOne(sized("stream", LIMIT + 1, key)),
    );
  });

  it("a payload above 32 MB that was passed as a stream is fetched when it is read, not before", async () => {
    const key = `runs/x/${crypto.randomUUID()}`;
    await env.PAYLOADS.put(key, "large");
    const get = vi.spyOn(env.PAYLOADS, "get");
    await run(
      async (handed: unknown) => {
        await env.PAYLOADS.head("a turn of the runtime, in which it would have been fetched");
        expect(get).not.toHaveBeenCalled();
        expect(await textOf(handed)).toBe("large");
      },
      ofOne(sized("stream", LIMIT + 1, key)),
    );
    expect(get).toHaveBeenCalledTimes(1);
    get.mockRestore();
  });

  it("a payload above 32 MB in several parts is refused together, and read one by one", async () => {
    const key = `runs/x/${crypto.randomUUID()}`;
    await env.PAYLOADS.put(key, '"half"');
    const payload = sized("json", LIMIT / 2 + 1, key);
    const reading: Reading = { ...OF_SEVERAL, inputs: ["left", "right"].map((parent) => ({ parent, payload })) };
    await expect(payloadOf(reading)).rejects.toThrow(
      'What the task "only" reads of 2 tasks together has 33554434 bytes',
    );
    await run(async () => {
      expect(await readFromParentTask("left")).toBe("half");
      expect(await readFromParentTask("right")).toBe("half");
    }, reading);
  });

  it("a payload above 32 MB is not what one of 32 MB and a stream make together, which is not held in memory", async () => {
    const key = `runs/x/${crypto.randomUUID()}`;
    await env.PAYLOADS.put(key, '"whole"');
    const inputs = [
      { parent: "left", payload: sized("json", LIMIT, key) },
      { parent: "right", payload: sized("stream", LIMIT, key) },
    ];
    expect(await payloadOf({ ...OF_SEVERAL, inputs })).toEqual({ left: "whole", right: expect.any(ReadableStream) });
  });
});

/** The same payload with the lease, and in R2. A stream is read once for both. */
async function bothPlaces(value: unknown): Promise<[NewPayload, NewPayload]> {
  const key = `runs/test/${crypto.randomUUID()}`;
  const [one, other] = value instanceof ReadableStream ? value.tee() : [value, value];
  const newPayload = async (half: unknown, limit: number): Promise<NewPayload> => {
    const encoded = encodePayload(half);
    if (!encoded.ok) throw new Error(encoded.problem.detail);
    return storePayload(env.PAYLOADS, key, encoded.value, limit);
  };
  return [await newPayload(one, 1_000), await newPayload(other, 0)];
}
