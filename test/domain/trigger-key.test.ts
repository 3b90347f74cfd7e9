import { fc } from "../support/property.ts";
import { describe, expect, it } from "vitest";
import { runIdFromBytes, type RunId } from "../../src/domain/ids.ts";
import {
  alertKey,
  apiEventKey,
  apiKey,
  childTriggerKey,
  deliveryTriggerKey,
  endpointKey,
  eventKey,
  objectVersionKey,
  replayKey,
  scheduledRunKey,
  taskKey,
  triggerKeyInput,
  type KeyKind,
} from "../../src/domain/trigger-key.ts";

const RUN: RunId = runIdFromBytes(new Uint8Array(16));
const OTHER_RUN: RunId = runIdFromBytes(new Uint8Array(16).fill(1));
const KINDS: readonly KeyKind[] = [
  "api",
  "endpoint",
  "task",
  "event",
  "replay",
  "child",
  "delivery",
  "schedule",
  "object",
  "alert",
];

describe("keys", () => {
  it("keys belong to their kind and task: no kind, task and name are hashed as others are", () => {
    const kind = fc.constantFrom(...KINDS);
    const task = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_:-]{0,8}$/);
    const input = fc.record({ kind, task, name: fc.string() });
    fc.assert(
      fc.property(input, input, (one, other) => {
        const isSame = one.kind === other.kind && one.task === other.task && one.name === other.name;
        expect(triggerKeyInput(one.task, one) === triggerKeyInput(other.task, other)).toBe(isSame);
      }),
    );
    expect(triggerKeyInput("a", apiKey("ada", "b:c"))).not.toBe(triggerKeyInput("a:b", apiKey("ada", "c")));
  });

  it("keys of the API name no run of another kind, whatever the caller sends", () => {
    const ofOthers = [
      scheduledRunKey("2026-11-30T03:00:00.000Z", null),
      objectVersionKey({ bucket: "b", key: "k", action: "create", etag: "e", identity: "t" }),
      childTriggerKey({ runId: RUN, task: "a", item: null, step: null }, "t", "digest", 0),
      deliveryTriggerKey({ endpoint: "hook", id: "1", isFallback: false }, "t", 0),
      eventKey("audio.published", "k"),
      apiEventKey("ada", "audio.published", "k"),
      replayKey("ada", RUN, "k"),
      alertKey(RUN, "2026-11-30T03:00:00.000Z", 1),
      endpointKey("k"),
      taskKey("k"),
    ];
    const inputs = ofOthers.map((key) => triggerKeyInput("t", key));
    expect(new Set(inputs).size).toBe(inputs.length);
    for (const [index, { kind, name }] of ofOthers.entries())
      for (const sent of [name, `${kind}:${name}`, inputs[index] ?? ""])
        expect(inputs).not.toContain(triggerKeyInput("t", apiKey("ada", sent)));
  });

  it("keys of the API belong to their caller: no two callers name the same run", () => {
    const one = fc.record({ caller: fc.string(), key: fc.string() });
    fc.assert(
      fc.property(one, one, (ada, eve) => {
        const isSame = ada.caller === eve.caller && ada.key === eve.key;
        const names = [ada, eve].map(({ caller, key }) => [
          apiKey(caller, key).name,
          apiEventKey(caller, "audio.published", key).name,
          replayKey(caller, RUN, key).name,
        ]);
        for (const [index, name] of (names[0] ?? []).entries()) expect(name === names[1]?.[index]).toBe(isSame);
      }),
    );
    expect(apiKey("ada", "order-1").sent).toBe("order-1");
  });

  it("keys of an object version differ where bucket, key, action, etag or time differ", () => {
    const event = { bucket: "b", key: "k", action: "PutObject", etag: "e", identity: "t" };
    const others = Object.keys(event).map((field) => objectVersionKey({ ...event, [field]: "other" }).name);
    expect(new Set([objectVersionKey(event).name, ...others]).size).toBe(6);
    expect(objectVersionKey({ ...event })).toEqual(objectVersionKey(event));
    expect(objectVersionKey({ ...event, bucket: 'b","k', key: "" })).not.toEqual(objectVersionKey(event));
  });

  it("keys of due times differ by time and payload", () => {
    const key = scheduledRunKey("2026-01-01T00:00:00Z", null);
    expect(key).toEqual({ kind: "schedule", name: "2026-01-01T00:00:00Z" });
    expect(scheduledRunKey("2026-01-01T00:00:00Z", "{}")).not.toEqual(key);
    expect(scheduledRunKey("2026-01-01T00:00:01Z", null)).not.toEqual(key);
  });

  it("keys of triggers made inside a task differ by run, task, item, step, target, payload and number", () => {
    const parent = { runId: RUN, task: "a", item: null, step: null };
    const keys = [
      childTriggerKey(parent, "b", "one", 0),
      childTriggerKey(parent, "b", "one", 1),
      childTriggerKey(parent, "b", "two", 0),
      childTriggerKey(parent, "c", "one", 0),
      childTriggerKey({ ...parent, task: "c" }, "b", "one", 0),
      childTriggerKey({ ...parent, runId: OTHER_RUN }, "b", "one", 0),
      childTriggerKey({ ...parent, item: 0 }, "b", "one", 0),
      childTriggerKey({ ...parent, item: 1 }, "b", "one", 0),
      childTriggerKey({ ...parent, step: "s" }, "b", "one", 0),
      childTriggerKey({ ...parent, step: "null" }, "b", "one", 0),
    ];
    expect(new Set(keys.map(({ name }) => name)).size).toBe(keys.length);
  });

  it("keys of triggers for a delivery are the same for the same, and others wherever anything differs", () => {
    const keys = ["a", 'a","b', "a:b"].flatMap((endpoint) =>
      ["1", "2:t", '1","method'].flatMap((id) =>
        [true, false].flatMap((isFallback) =>
          ["t", "t:0"].flatMap((target) =>
            [0, 1].map((nth) => deliveryTriggerKey({ endpoint, id, isFallback }, target, nth).name),
          ),
        ),
      ),
    );
    expect(new Set(keys).size).toBe(3 * 3 * 2 * 2 * 2);
    const delivery = { endpoint: "a", id: "1", isFallback: false };
    expect(deliveryTriggerKey(delivery, "t", 0)).toEqual(deliveryTriggerKey({ ...delivery }, "t", 0));
  });
});
