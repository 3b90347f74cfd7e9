/** The bindings of the kit refuse what the platform refuses. The figures are those of the platform's documentation. */
import { describe, expect, it } from "vitest";
import { KvNamespace } from "../../../src/testing/bindings/kv.ts";
import { OutgoingQueue } from "../../../src/testing/bindings/outgoing-queue.ts";

const NOW = Date.parse("2026-11-29T10:00:00Z");
const AT = NOW / 1_000;

describe("a KV namespace of the kit", () => {
  const kv = new KvNamespace(() => NOW);
  const keys = (count: number): string[] => Array.from({ length: count }, (_, index) => `k${index}`);

  it.each([
    ["101 keys at once", () => kv.get(keys(101)), "You can request a maximum of 100 keys"],
    ["no key at all", () => kv.get([]), "You must request a minimum of 1 key"],
    ["the key .", () => kv.put(".", "x"), '"." is not allowed as a key name.'],
    ["the key ..", () => kv.get(".."), '".." is not allowed as a key name.'],
    ["a list of 1,001", () => kv.list({ limit: 1_001 }), "Invalid key_count_limit of 1001"],
    ["a list of none", () => kv.list({ limit: 0 }), "Invalid key_count_limit of 0"],
    ["an end in 59 seconds", () => kv.put("k", "x", { expiration: AT + 59 }), `Invalid expiration of ${AT + 59}`],
    ["an end that is past", () => kv.put("k", "x", { expiration: AT - 1 }), `Invalid expiration of ${AT - 1}`],
    ["a life of 59 seconds", () => kv.put("k", "x", { expirationTtl: 59 }), "Invalid expiration_ttl of 59"],
  ])("a KV namespace of the kit refuses %s", async (_, call, message) => {
    await expect(call()).rejects.toThrow(message);
  });

  it("a KV namespace of the kit takes what is just within the limits", async () => {
    await kv.put("k0", "x", { expiration: AT + 60 });
    expect(await kv.get(keys(100))).toHaveProperty("size", 100);
    expect(await kv.list({ limit: 1_000 })).toMatchObject({ keys: [{ name: "k0", expiration: AT + 60 }] });
  });
});

describe("a queue of the kit", () => {
  it("a queue of the kit delays a message by a day, and by no second more", async () => {
    const queue = new OutgoingQueue(() => NOW);
    await queue.send("x", { delaySeconds: 86_400 });
    await expect(queue.send("x", { delaySeconds: 86_401 })).rejects.toThrow(
      "delaySeconds is from 0 to 86400, given 86401",
    );
    expect(queue.messages.map(({ delaySeconds }) => delaySeconds)).toEqual([86_400]);
  });
});
