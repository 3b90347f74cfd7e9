/** Certificates for tests, self-signed, in PEM: DER by hand, since neither WebCrypto nor `node:crypto` makes any. */

export interface MadeCertificate {
  readonly pem: string;
  /** Signs by RSASSA-PKCS1-v1_5 with this hash. Base64. */
  readonly sign: (text: string, hash?: "SHA-1" | "SHA-256") => Promise<string>;
}

export interface CertificateOptions {
  readonly name?: string;
  /** Epoch milliseconds. */
  readonly from?: number;
  readonly to?: number;
  readonly bits?: number;
}

const ALGORITHM = { name: "RSASSA-PKCS1-v1_5", publicExponent: Uint8Array.of(1, 0, 1) };

export async function makeCertificate({
  name = "sns.amazonaws.com",
  from = Date.UTC(2026, 0, 1),
  to = Date.UTC(2030, 0, 1),
  bits = 2048,
}: CertificateOptions = {}): Promise<MadeCertificate> {
  const modern = { ...ALGORITHM, modulusLength: bits, hash: "SHA-256" };
  const pair = await crypto.subtle.generateKey(modern, true, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new Error("no pair of keys");
  const pkcs8 = await exported("pkcs8", pair.privateKey);
  const keys = {
    "SHA-256": pair.privateKey,
    "SHA-1": await crypto.subtle.importKey("pkcs8", pkcs8, { ...ALGORITHM, hash: "SHA-1" }, false, ["sign"]),
  };
  const distinguished = sequence(set(sequence(COMMON_NAME, tagged(0x0c, text(name)))));
  const spki = await exported("spki", pair.publicKey);
  const tbs = sequence(
    tagged(0xa0, integer(2)),
    integer(7),
    SHA256_WITH_RSA,
    distinguished,
    sequence(time(from), time(to)),
    distinguished,
    spki,
  );
  const signature = new Uint8Array(await crypto.subtle.sign(ALGORITHM.name, pair.privateKey, tbs));
  const der = sequence(tbs, SHA256_WITH_RSA, tagged(0x03, joined(Uint8Array.of(0), signature)));
  const lines = base64(der).match(/.{1,64}/g) ?? [];
  return {
    pem: ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n"),
    async sign(signed, hash = "SHA-1") {
      return base64(new Uint8Array(await crypto.subtle.sign(ALGORITHM.name, keys[hash], text(signed))));
    },
  };
}

/** By what both runtimes have: Node 24 knows no `toBase64`. */
function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

async function exported(
  format: "pkcs8" | "spki",
  key: Parameters<typeof crypto.subtle.exportKey>[1],
): Promise<Uint8Array> {
  const bytes = await crypto.subtle.exportKey(format, key);
  if (!(bytes instanceof ArrayBuffer)) throw new Error("no bytes");
  return new Uint8Array(bytes);
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function tagged(tag: number, content: Uint8Array): Uint8Array {
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return joined(Uint8Array.of(tag, ...size), content);
}

function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return tagged(0x30, joined(...parts));
}

function set(...parts: readonly Uint8Array[]): Uint8Array {
  return tagged(0x31, joined(...parts));
}

function integer(value: number): Uint8Array {
  return tagged(0x02, Uint8Array.of(value));
}

/** UTCTime. */
function time(at: number): Uint8Array {
  const digits = new Date(at).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return tagged(0x17, text(digits.slice(2)));
}

const COMMON_NAME = tagged(0x06, Uint8Array.of(0x55, 0x04, 0x03));
const SHA256_WITH_RSA = sequence(
  tagged(0x06, Uint8Array.of(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b)),
  Uint8Array.of(0x05, 0x00),
);
