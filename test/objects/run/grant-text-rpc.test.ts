import { describe, expect, it } from "vitest";
import type { LeasePayload } from "../../../src/domain/payload.ts";
import { readAcceptAnswer, readGrant, writeAcceptAnswer, writeGrant } from "../../../src/objects/run/grant-text-rpc.ts";
import type { Lease } from "../../../src/objects/run/lease-rpc.ts";
import { leaseFor } from "../../support/attempt.ts";
import { inline } from "../../support/settlements.ts";

const BROKEN_UTF8 = new Uint8Array([0x22, 0xc3, 0x28, 0x22]);

const PAYLOADS: readonly (readonly [string, LeasePayload])[] = [
  ["a JSON value", inline({ a: [1, null, "ü 😀 \u2028"], b: "" })],
  ["a string", inline("plain \u0000 \u00ff")],
  ["a string that begins with a byte order mark", inline("\uFEFFmarked")],
  ["a string with lone surrogates", inline("\ud800")],
  ["bytes", inline(new Uint8Array([0, 1, 128, 254, 255]))],
  ["no bytes", inline(new ArrayBuffer(0))],
  [
    "JSON of a sender that is no UTF-8",
    { kind: "json", contentType: "application/json", size: 4, at: "inline", bytes: BROKEN_UTF8 },
  ],
  ["an object in R2", { kind: "stream", contentType: "video/mp4", size: 7, at: "r2", key: "runs/x" }],
  ["bytes that are held", { kind: "json", contentType: "application/json", size: 9, at: "held", seq: 3, offset: 5 }],
];

function leaseOf(payload: LeasePayload): Lease {
  return leaseFor({ inputs: [{ parent: "above", payload }], steps: [{ name: "first", payload }] });
}

describe("a grant as text", () => {
  it.each(PAYLOADS)("a grant as text brings %s as it was", (_, payload) => {
    const grant = { leases: [leaseOf(payload)] };
    expect(readGrant(writeGrant(grant))).toEqual(grant);
  });

  it("a grant as text brings what many leases share once", () => {
    const array = inline("x".repeat(1_000));
    const text = writeGrant({ leases: Array.from({ length: 100 }, () => leaseOf(array)) });
    expect(text.match(/x{1000}/g)).toHaveLength(1);
    const { leases } = readGrant(text);
    expect(leases).toHaveLength(100);
    expect(new Set(leases.flatMap(({ inputs }) => inputs.map(({ payload }) => payload))).size).toBe(1);
  });

  it("a grant as text is an empty text if there are no leases", () => {
    expect(writeGrant({ leases: [] })).toBe("");
    expect(readGrant(writeGrant({ leases: [] }))).toEqual({ leases: [] });
  });

  it("a grant as text comes with the answer to a trigger", () => {
    const answer = { status: "running", outcome: "recorded", grant: { leases: [leaseOf(inline(1))] } } as const;
    expect(readAcceptAnswer(writeAcceptAnswer(answer))).toEqual(answer);
    const queued = { status: "queued", outcome: "deduplicated", grant: { leases: [] } } as const;
    expect(readAcceptAnswer(writeAcceptAnswer(queued))).toEqual(queued);
  });
});
