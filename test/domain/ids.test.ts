import { fc } from "../support/property.ts";
import { describe, expect, it } from "vitest";
import { deliveryIdFromBytes, parseDeliveryId, parseRunId, runIdFromBytes } from "../../src/domain/ids.ts";

const bytes16 = fc.uint8Array({ minLength: 16, maxLength: 16 });

describe("run ids", () => {
  it("run ids are `run_` and 26 characters of Crockford's base 32, and are parsed again", () => {
    fc.assert(
      fc.property(bytes16, (bytes) => {
        const id = runIdFromBytes(bytes);
        expect(id).toMatch(/^run_[0-9a-hjkmnp-tv-z]{26}$/);
        expect(parseRunId(id)).toBe(id);
      }),
    );
  });

  it("run ids differ where any of the first 16 bytes differs, and only there", () => {
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

  it("run ids are written as they always were: a key finds its run again after every deploy", () => {
    const bytes = Uint8Array.from({ length: 16 }, (_, index) => index * 17);
    expect(runIdFromBytes(bytes)).toBe("run_008j4ct4ank7f24snaxwsqfezw");
  });

  it("run ids need 16 bytes", () => {
    expect(() => runIdFromBytes(new Uint8Array(15))).toThrow("16 bytes, given 15");
  });

  it.each([
    "",
    "run_",
    "run_ABCDEFGHJKMNPQRSTVWXYZ0123",
    `run_${"0".repeat(25)}`,
    `run_${"u".repeat(26)}`,
    `x${"0".repeat(26)}`,
  ])("run ids are not read from %j", (text) => {
    expect(parseRunId(text)).toBeNull();
  });
});

describe("delivery ids", () => {
  it("delivery ids are `dlv_` and 26 characters, are parsed again, and are no run ids", () => {
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
