/** The globals of the platform, as one isolate sees them: what depends on time or chance is the simulated platform's. */
import { createHash, createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { completeByteArrays } from "./bytes.ts";
import type { Platform } from "./platform.ts";

completeByteArrays();

/** Their names, in the order of `globalsOf`. */
export const GLOBALS = [
  "Date",
  "Math",
  "setTimeout",
  "clearTimeout",
  "setInterval",
  "clearInterval",
  "scheduler",
  "crypto",
  "console",
  "Blob",
  "FixedLengthStream",
  "WebSocketRequestResponsePair",
  "fetch",
] as const;

export type Globals = readonly unknown[];

export function globalsOf(platform: Platform): Globals {
  const now = (): number => platform.current?.now() ?? platform.ground.wall();
  class PlatformDate extends Date {
    constructor(...given: [] | [string | number | Date]) {
      if (given.length === 0) super(now());
      else super(...given);
    }

    static override now(): number {
      return now();
    }
  }
  const setTimer =
    (everyMs: boolean) =>
    (work: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) =>
      platform.setTimer(() => work(...given), ms, everyMs ? Math.max(1, ms) : null);
  const clearTimer = (id: unknown): void => platform.clearTimer(id);
  const scheduler = {
    wait: (ms: number) => new Promise<void>((resolve) => void platform.setTimer(resolve, ms, null)),
  };
  const say = (...said: unknown[]): void => platform.ground.tell(() => `log: ${said.map(String).join(" ")}`);
  return [
    PlatformDate,
    Object.create(Math, { random: { value: () => platform.random.next() } }),
    setTimer(false),
    clearTimer,
    setTimer(true),
    clearTimer,
    scheduler,
    cryptoOf(platform),
    { log: say, info: say, warn: say, error: say, debug: say },
    PlatformBlob,
    FixedLengthStream,
    Pair,
    () => Promise.reject(new Error("nothing is fetched in this world")),
  ];
}

/** Of messages that the platform answers by itself on WebSockets: there are none here. */
class Pair {
  readonly request: string;

  constructor(request: string) {
    this.request = request;
  }
}

/** Digests are made at once: their order must not depend on threads. */
function cryptoOf({ random }: Platform): object {
  const fill = <T extends Uint8Array>(bytes: T): T => {
    for (let index = 0; index < bytes.length; index += 1) bytes[index] = random.between(0, 255);
    return bytes;
  };
  return {
    getRandomValues: fill,
    randomUUID: () => {
      const hex = Buffer.from(fill(new Uint8Array(16))).toString("hex");
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
    },
    subtle: {
      digest: async (_algorithm: string, data: Uint8Array) => bufferOf(createHash("sha256").update(data).digest()),
      importKey: async (_format: string, key: Uint8Array | ArrayBuffer) => ({ key: new Uint8Array(key).slice() }),
      deriveBits: async (
        { salt, info }: { readonly salt: Uint8Array; readonly info: Uint8Array },
        { key }: { readonly key: Uint8Array },
        bits: number,
      ) => hkdfSync("sha256", key, salt, info, bits / 8),
      sign: async (_algorithm: unknown, { key }: { readonly key: Uint8Array }, data: Uint8Array) =>
        bufferOf(createHmac("sha256", key).update(data).digest()),
      verify: async (
        _algorithm: unknown,
        { key }: { readonly key: Uint8Array },
        signature: Uint8Array,
        data: Uint8Array,
      ) => {
        const right = createHmac("sha256", key).update(data).digest();
        return right.length === signature.byteLength && timingSafeEqual(right, new Uint8Array(signature));
      },
      timingSafeEqual: (one: Uint8Array, other: Uint8Array) =>
        timingSafeEqual(new Uint8Array(one), new Uint8Array(other)),
    },
  };
}

function bufferOf(bytes: Uint8Array): ArrayBufferLike {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

/** Bytes and texts put together; Node's own reads them by a thread. */
class PlatformBlob {
  readonly #bytes: Uint8Array<ArrayBuffer>;

  constructor(parts: readonly (string | Uint8Array)[] = []) {
    this.#bytes = new Uint8Array(Buffer.concat(parts.map((part) => Buffer.from(part))));
  }

  get size(): number {
    return this.#bytes.length;
  }

  stream(): ReadableStream<Uint8Array> {
    const bytes = this.#bytes;
    return new ReadableStream({
      start(controller) {
        if (bytes.length > 0) controller.enqueue(bytes);
        controller.close();
      },
    });
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return this.#bytes.slice().buffer;
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(this.#bytes);
  }
}

/** The length is not checked. */
class FixedLengthStream extends TransformStream<Uint8Array, Uint8Array> {
  constructor(_length: number) {
    super();
  }
}
