/** The checksums that a put of R2 may bring, and what R2 answers to a wrong one. */
import { createHash } from "node:crypto";
import { r2Error } from "./bucket-rules.ts";

/** Each checksum with R2's name for it and its size in bytes. */
const ALGORITHMS = [
  ["md5", "MD5", 16],
  ["sha1", "SHA-1", 20],
  ["sha256", "SHA-256", 32],
  ["sha384", "SHA-384", 48],
  ["sha512", "SHA-512", 64],
] as const;

/** The checksums of a put, as bytes or in hex. At most one may be given. */
export type GivenChecksums = {
  readonly [Field in (typeof ALGORITHMS)[number][0]]?: ArrayBuffer | ArrayBufferView | string;
};

/** The checksums that are kept with an object. */
export type Checksums = { readonly [Field in keyof GivenChecksums]?: ArrayBuffer };

/** A checksum in its wanted form. */
interface Wanted {
  readonly field: keyof GivenChecksums;
  readonly name: string;
  readonly hex: string;
}

/**
 * Reads the checksum of a put; null without one. Throws what the runtime throws for a wrong form.
 */
export function wantedChecksum(options: GivenChecksums): Wanted | null {
  const given = ALGORITHMS.flatMap(([field, name, size]) => {
    const value = options[field];
    return value === undefined ? [] : [{ field, name, hex: hexOf(value, name, size) }];
  });
  if (given.length > 1) throw new TypeError("You cannot specify multiple hashing algorithms.");
  return given[0] ?? null;
}

/** Compares the bytes that came with the wanted checksum. Returns what is kept. */
export function checkedChecksums(wanted: Wanted | null, bytes: Uint8Array): Checksums {
  if (wanted === null) return {};
  const { field, name, hex } = wanted;
  const actual = createHash(field).update(bytes).digest();
  const actualHex = actual.toString("hex");
  if (actualHex === hex) return { [field]: new Uint8Array(actual).buffer };
  throw r2Error(
    "put",
    `The ${name} checksum you specified did not match what we received.\n` +
      `You provided a ${name} checksum with value: ${hex}\nActual ${name} was: ${actualHex}`,
    10_037,
  );
}

function hexOf(value: ArrayBuffer | ArrayBufferView | string, name: string, size: number): string {
  if (typeof value === "string") {
    if (value.length !== size * 2)
      throw new TypeError(`${name} is ${size * 2} hex characters, not ${value.length}`);
    if (!/^[0-9a-f]*$/i.test(value)) throw new TypeError("Provided hash wasn't a valid hex string");
    return value.toLowerCase();
  }
  const bytes = ArrayBuffer.isView(value)
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : Buffer.from(value);
  if (bytes.length !== size) throw new TypeError(`${name} is ${size} bytes, not ${bytes.length}`);
  return bytes.toString("hex");
}
