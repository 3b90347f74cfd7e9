import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  childTriggerKey,
  deliveryIdFromBytes,
  deliveryTriggerKey,
  eventKey,
  idempotencyInput,
  objectVersionKey,
  parseDeliveryId,
  parseRunId,
  runIdFromBytes,
  scheduledRunKey,
  type RunId,
} from "../../src/core/ids.ts";

const bytes16 = fc.uint8Array({ minLength: 16, maxLength: 16 });

describe("run ids", () => {
  it("are `run_` and 26 characters of Crockford's base 32, and are parsed again", () => {
    fc.assert(
      fc.property(bytes16, (bytes) => {
        const id = runIdFromBytes(bytes);
        expect(id).toMatch(/^run_[0-9a-hjkmnp-tv-z]{26}$/);
        expect(parseRunId(id)).toBe(id);
      }),
    );
  });

  it("differ where any of the first 16 bytes differs, and only there", () => {
    fc.assert(
      fc.property(bytes16, bytes16, (one, other) => {
        const isSame = one.every((byte, index) => byte === other[index]);
        expect(runIdFromBytes(one) === runIdFromBytes(other)).toBe(isSame);
      }),
    );
    const bytes = Uint8Array.from({ length: 16 }, (_, index) => index * 15);
    const longer = Uint8Array.from([...bytes, 1, 2, 3]);
    expect(runIdFromBytes(longer)).toBe(runIdFromBytes(bytes));
    for (let index = 0; index < 16; index += 1) {
      const changed = Uint8Array.from(bytes, (byte, at) => (at === index ? byte ^ 1 : byte));
      expect(runIdFromBytes(changed)).not.toBe(runIdFromBytes(bytes));
    }
  });

  it("are written as they always were: a key finds its run again after every deploy", () => {
    const bytes = Uint8Array.from({ length: 16 }, (_, index) => index * 17);
    expect(runIdFromBytes(bytes)).toBe("run_008j4ct4ank7f24snaxwsqfezw");
  });

  it("need 16 bytes", () => {
    expect(() => runIdFromBytes(new Uint8Array(15))).toThrow("16 bytes, given 15");
  });

  it.each([
    "",
    "run_",
    "run_ABCDEFGHJKMNPQRSTVWXYZ0123",
    `run_${"0".repeat(25)}`,
    `run_${"u".repeat(26)}`,
    `x${"0".repeat(26)}`,
  ])("are not read from %j", (text) => {
    expect(parseRunId(text)).toBeNull();
  });
});

describe("keys", () => {
  it("belong to their task: no task and key are another task's with another key", () => {
    const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_:-]{0,8}$/);
    fc.assert(
      fc.property(name, fc.string(), name, fc.string(), (task, key, otherTask, otherKey) => {
        const isSame = task === otherTask && key === otherKey;
        expect(idempotencyInput(task, key) === idempotencyInput(otherTask, otherKey)).toBe(isSame);
      }),
    );
    expect(idempotencyInput("a", "b:c")).not.toBe(idempotencyInput("a:b", "c"));
  });

  it("of an object version differ where bucket, key, action, etag or time differ", () => {
    const event = { bucket: "b", key: "k", action: "PutObject", etag: "e", identity: "t" };
    const others = Object.keys(event).map((field) => objectVersionKey({ ...event, [field]: "other" }));
    expect(new Set([objectVersionKey(event), ...others]).size).toBe(6);
    expect(objectVersionKey({ ...event })).toBe(objectVersionKey(event));
    expect(objectVersionKey({ ...event, bucket: 'b","k', key: "" })).not.toBe(objectVersionKey(event));
  });

  it("of events differ by event and key, those of due times by time and payload", () => {
    expect(eventKey("audio.published", "k")).toBe("event:audio.published:k");
    expect(scheduledRunKey("2026-01-01T00:00:00Z", null)).toBe("schedule:2026-01-01T00:00:00Z");
    expect(scheduledRunKey("2026-01-01T00:00:00Z", "{}")).toBe("schedule:2026-01-01T00:00:00Z:{}");
  });

  it("of triggers for a delivery are written as they always were: sent again after a deploy it finds its runs", () => {
    const delivery = { endpoint: "hook", id: "1", isFallback: false };
    expect(deliveryTriggerKey(delivery, "t", 2)).toBe('delivery:["hook","1","method"]:t:2');
    expect(deliveryTriggerKey({ ...delivery, isFallback: true }, "t", 2)).toBe('delivery:["hook","1","fallback"]:t:2');
  });

  it("of triggers made inside a task differ by run, task, target and ordinal", () => {
    const runId: RunId = runIdFromBytes(new Uint8Array(16));
    const other: RunId = runIdFromBytes(new Uint8Array(16).fill(1));
    const keys = [
      childTriggerKey({ runId, task: "a" }, "b", 0),
      childTriggerKey({ runId, task: "a" }, "b", 1),
      childTriggerKey({ runId, task: "a" }, "c", 0),
      childTriggerKey({ runId, task: "c" }, "b", 0),
      childTriggerKey({ runId: other, task: "a" }, "b", 0),
    ];
    expect(new Set(keys).size).toBe(5);
  });
});

describe("delivery ids", () => {
  it("are `dlv_` and 26 characters, are parsed again, and are no run ids", () => {
    fc.assert(
      fc.property(bytes16, (bytes) => {
        const id = deliveryIdFromBytes(bytes);
        expect(id).toBe(runIdFromBytes(bytes).replace("run_", "dlv_"));
        expect(parseDeliveryId(id)).toBe(id);
        expect(parseRunId(id)).toBeNull();
      }),
    );
    for (const text of ["", "dlv_", `dlv_${"u".repeat(26)}`, `run_${"0".repeat(26)}`])
      expect(parseDeliveryId(text)).toBeNull();
  });
});

describe("the key of a trigger for a delivery", () => {
  it("is the same for the same, and another wherever anything differs", () => {
    const keys = ["a", 'a","b', "a:b"].flatMap((endpoint) =>
      ["1", "2:t", '1","method'].flatMap((id) =>
        [true, false].flatMap((isFallback) =>
          ["t", "t:0"].flatMap((target) =>
            [0, 1].map((ordinal) => deliveryTriggerKey({ endpoint, id, isFallback }, target, ordinal)),
          ),
        ),
      ),
    );
    expect(new Set(keys).size).toBe(3 * 3 * 2 * 2 * 2);
    const delivery = { endpoint: "a", id: "1", isFallback: false };
    expect(deliveryTriggerKey(delivery, "t", 0)).toBe(deliveryTriggerKey({ ...delivery }, "t", 0));
  });
});
