import { describe, expect, it } from "vitest";
import { encodePayload, type EncodedPayload } from "../../src/payloads/codec.ts";
import { limitKeysOf, limitKeysOfChildren } from "../../src/payloads/limit-keys.ts";

const PATHS = { concurrency: ["user"], rate_limit: ["user", "team"], priority: ["urgency"] } as const;

async function saidBy(value: unknown, each = false): Promise<unknown> {
  const encoded = encodePayload(value);
  if (!encoded.ok) throw new Error(encoded.problem.detail);
  return limitKeysOf(PATHS, encoded.value, each);
}

describe("the priority in a payload", () => {
  it.each([
    [2, 2],
    [2.4, 2],
    [2.6, 3],
    [-2.6, -3],
    [0.2, 0],
    [1e9, 100],
    [-1e9, -100],
  ])("%d counts as %d: a whole number within its bounds", async (urgency, priority) => {
    expect(await saidBy({ urgency })).toEqual({ priority });
  });

  it.each(["7", null, true, [1], {}])("%j is none", async (urgency) => {
    expect(await saidBy({ urgency })).toEqual({});
  });
});

describe("the key in a payload", () => {
  it('the key in a payload is what stands at its path, as JSON, so that 1 and "1" are two keys', async () => {
    expect(await saidBy({ user: 1 })).toEqual({ concurrency: "1" });
    expect(await saidBy({ user: "1" })).toEqual({ concurrency: '"1"' });
    expect(await saidBy({ user: { team: "a" } })).toEqual({ concurrency: '{"team":"a"}', rate_limit: '"a"' });
    expect(await saidBy({ user: null })).toEqual({ concurrency: "null" });
  });

  it("the key in a payload is absent where the path leads nowhere, or into no JSON", async () => {
    for (const value of [{}, null, 7, [], "user", new Uint8Array([1])]) expect(await saidBy(value)).toEqual({});
  });

  it("the key in a payload of 200 characters stands as it is; a longer one is named by its digest, and no two alike", async () => {
    const key = (length: number) => saidBy({ user: "u".repeat(length - 2) });
    expect(await key(200)).toEqual({ concurrency: `"${"u".repeat(198)}"` });
    expect(await key(201)).toEqual({ concurrency: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) });
    expect(await key(201)).not.toEqual(await key(202));
  });

  it("the key in a payload of items is that of each, in their order; what is no array has none", async () => {
    expect(await saidBy([{ user: 1 }, {}, { user: 2, urgency: 1 }], true)).toEqual([
      { concurrency: "1" },
      {},
      { concurrency: "2", priority: 1 },
    ]);
    expect(await saidBy({ user: 1 }, true)).toEqual([]);
  });
});

describe("the keys for the tasks behind a task", () => {
  const paths = { concurrency: ["user"] } as const;
  const children = [
    { child: "one", paths, each: false },
    { child: "items", paths, each: true },
    { child: "stream", paths, each: false },
  ];
  const encoded = (child: string): EncodedPayload | null => {
    if (child === "stream") return null;
    const result = encodePayload(child === "items" ? [{ user: 1 }, {}] : { user: "a" });
    if (!result.ok) throw new Error(result.problem.detail);
    return result.value;
  };

  it("the keys for the tasks behind a task are told by task, of every item where it has `each`; not of what has none", async () => {
    expect(await limitKeysOfChildren(children, encoded)).toEqual({
      one: { concurrency: '"a"' },
      items: [{ concurrency: "1" }, {}],
    });
  });

  it.each([[undefined], [[]]])(
    "the keys for the tasks behind a task are none where no task has a limit: %j",
    async (limited) => {
      expect(await limitKeysOfChildren(limited, encoded)).toBeNull();
    },
  );
});
