import { crc32 } from "node:zlib";
import { fc } from "../support/property.ts";
import { describe, expect, it } from "vitest";
import { apiTokenFrom, isApiToken } from "../../src/domain/api-token.ts";

const BYTES = fc.uint8Array({ minLength: 64, maxLength: 64 });
const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

describe("an API token", () => {
  it("an API token is what a secret scanner looks for, and knows it by the check at its end", () => {
    fc.assert(
      fc.property(BYTES, (bytes) => {
        const token = apiTokenFrom(bytes) ?? "";
        expect(token).toMatch(/^peach_[0-9A-Za-z]{40}$/);
        const check = token
          .slice(40)
          .split("")
          .reduce((sum, letter) => sum * 62 + LETTERS.indexOf(letter), 0);
        expect(check).toBe(crc32(token.slice(6, 40)));
        expect(isApiToken(token)).toBe(true);
      }),
    );
  });

  it("an API token with one letter changed is none", () => {
    fc.assert(
      fc.property(BYTES, fc.nat(39), fc.constantFrom(...LETTERS.split("")), (bytes, at, letter) => {
        const token = apiTokenFrom(bytes) ?? "";
        const changed = `${token.slice(0, 6 + at)}${letter}${token.slice(7 + at)}`;
        expect(isApiToken(changed)).toBe(changed === token);
      }),
    );
    for (const none of ["", "peach_", `peach_${"0".repeat(40)}`, `peach_${"a".repeat(48)}`])
      expect(isApiToken(none)).toBe(false);
  });

  it("an API token takes no letter more often than another: bytes from 248 on are passed over", () => {
    expect(apiTokenFrom(new Uint8Array(64).fill(255))).toBeNull();
    const counts = new Map<string, number>();
    for (let first = 0; first < 248; first += 31) {
      const letters = apiTokenFrom(Uint8Array.from({ length: 34 }, (_, index) => (index < 31 ? first + index : 250)));
      expect(letters).toBeNull();
      const token = apiTokenFrom(Uint8Array.from({ length: 64 }, (_, index) => (index < 31 ? first + index : 0)));
      for (const letter of token?.slice(6, 37) ?? "") counts.set(letter, (counts.get(letter) ?? 0) + 1);
    }
    expect(new Set(counts.values())).toEqual(new Set([4]));
    expect(counts.size).toBe(62);
  });
});
