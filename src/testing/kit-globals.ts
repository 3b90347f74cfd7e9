/**
 * The globals of the engine in the test kit, where they differ from those of the simulation: real
 * connections, the real `Blob`, and every algorithm of WebCrypto.
 */
import { createHash, webcrypto } from "node:crypto";
import { GLOBALS } from "./platform/globals.ts";

/** Returns the globals by name. */
export function kitGlobals(): ReadonlyMap<string, unknown> {
  return new Map<string, unknown>([
    ["crypto", withAllAlgorithms()],
    ["Blob", Blob],
    // Looked up at each call: a test may replace the global.
    ["fetch", (...given: Parameters<typeof fetch>) => globalThis.fetch(...given)],
  ]);
}

/** Digests and signatures of the platform at once, everything else by WebCrypto. */
function withAllAlgorithms(): object {
  const own = GLOBALS.get("crypto");
  const simulated = isRecord(own) && isRecord(own["subtle"]) ? own["subtle"] : {};
  const isSimulated = (name: string, given: readonly unknown[]): boolean => {
    if (!(name in simulated)) return false;
    const [first, second] = given;
    if (name === "digest") return nameOf(first) === "SHA-256";
    if (name === "importKey") return first === "raw" && /HMAC|HKDF/.test(nameOf(given[2]));
    // A key that the platform has imported.
    return name === "timingSafeEqual" || (isRecord(second) && "key" in second);
  };
  const subtle = new Proxy(simulated, {
    get: (_, name) => {
      if (typeof name !== "string") return undefined;
      return (...given: readonly unknown[]) => {
        const [on, work]: [object, unknown] = isSimulated(name, given)
          ? [simulated, simulated[name]]
          : [webcrypto.subtle, Reflect.get(webcrypto.subtle, name)];
        if (typeof work !== "function") throw new TypeError(`crypto.subtle has no ${name}`);
        return Reflect.apply(work, on, given);
      };
    },
  });
  return { ...(isRecord(own) ? own : {}), subtle, DigestStream };
}

/** Digests a stream, as the platform's class does. */
class DigestStream extends WritableStream<Uint8Array> {
  readonly digest: Promise<ArrayBuffer>;

  constructor(algorithm: string) {
    const hash = createHash(algorithm.replace("-", ""));
    const { promise, resolve, reject } = Promise.withResolvers<ArrayBuffer>();
    super({
      write: (chunk) => void hash.update(chunk),
      close: () => resolve(new Uint8Array(hash.digest()).buffer),
      abort: (reason) => reject(reason),
    });
    promise.catch(() => undefined);
    this.digest = promise;
  }
}

function nameOf(algorithm: unknown): string {
  if (typeof algorithm === "string") return algorithm.toUpperCase();
  return isRecord(algorithm) ? String(algorithm["name"]).toUpperCase() : "";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
