/**
 * The globals of the platform. Globals that depend on time or chance use the simulated platform
 * that was entered last.
 */
import {
  createHmac,
  createSecretKey,
  hash,
  hkdfSync,
  timingSafeEqual,
  type KeyObject,
} from "node:crypto";
import { completeByteArrays } from "./bytes.ts";
import type { Platform } from "./platform.ts";

completeByteArrays();

let entered: Platform | null = null;

/** Switches the globals to a platform. */
export function enterPlatform(platform: Platform): void {
  entered = platform;
}

/** Finds the platform of code between two events; null selects the entered platform. */
let elsewhere: () => Platform | null = () => null;

/** Sets the search for the platform of code that resumes after a wait outside of the world. */
export function lookElsewhere(find: () => Platform | null): void {
  elsewhere = find;
}

function present(): Platform {
  const platform = elsewhere() ?? entered;
  if (platform === null)
    throw new Error("the worker's code looks around before there is a platform");
  return platform;
}

function now(): number {
  const { current, ground } = present();
  return current?.now() ?? ground.wall();
}

/** Makes dates by a function. A class that extends `Date` is many times slower. */
function PlatformDate(...given: [] | [string | number | Date]): Date {
  const [first] = given;
  if (given.length === 1 && first !== undefined) return new Date(first);
  return given.length === 0 ? new Date(now()) : new Date(...given);
}
PlatformDate.prototype = Date.prototype;
Object.assign(PlatformDate, { now, parse: Date.parse, UTC: Date.UTC });

const setTimer =
  (isRepeated: boolean) =>
  (work: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) =>
    present().setTimer(() => work(...given), ms, isRepeated ? Math.max(1, ms) : null);
const clearTimer = (id: unknown): void => present().clearTimer(id);
const say = (...said: unknown[]): void =>
  present().ground.tell(() => `log: ${said.map(String).join(" ")}`);

/** The result of `importKey`. */
interface Imported {
  readonly key: KeyObject;
}

/** Computes digests synchronously: the order of events must not depend on threads. */
function cryptoOf(): object {
  const fill = <T extends Uint8Array>(bytes: T): T => {
    const { random } = present();
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
      digest: async (_algorithm: string, data: Uint8Array) =>
        bufferOf(hash("sha256", data, "buffer")),
      importKey: async (_format: string, key: Uint8Array | ArrayBuffer) => ({
        key: createSecretKey(new Uint8Array(key)),
      }),
      deriveBits: async (
        { salt, info }: { readonly salt: Uint8Array; readonly info: Uint8Array },
        { key }: Imported,
        bits: number,
      ) => hkdfSync("sha256", key, salt, info, bits / 8),
      sign: async (_algorithm: unknown, { key }: Imported, data: Uint8Array) =>
        bufferOf(createHmac("sha256", key).update(data).digest()),
      verify: async (
        _algorithm: unknown,
        { key }: Imported,
        signature: Uint8Array,
        data: Uint8Array,
      ) => {
        const right = createHmac("sha256", key).update(data).digest();
        return (
          right.length === signature.byteLength && timingSafeEqual(right, new Uint8Array(signature))
        );
      },
      timingSafeEqual: (one: Uint8Array, other: Uint8Array) =>
        timingSafeEqual(new Uint8Array(one), new Uint8Array(other)),
    },
  };
}

function bufferOf(bytes: Uint8Array): ArrayBufferLike {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

/** A Blob of bytes and texts in memory. Node's own Blob reads by a thread. */
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

/** A stream of a fixed length. The length is not checked here. */
class FixedLengthStream extends TransformStream<Uint8Array, Uint8Array> {
  constructor(_length: number) {
    super();
  }
}

/** The platform's requests take a stream as their body. Node's want to be told that in addition. */
const PlatformRequest = new Proxy(Request, {
  construct: (target, [input, init]: [unknown, RequestInit | undefined]): Request =>
    Reflect.construct(target, [
      input,
      init?.body instanceof ReadableStream ? { ...init, duplex: "half" } : init,
    ]),
});

/** A cached response, with its end in epoch milliseconds. */
interface Cached {
  readonly text: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly until: number;
}

/** The platform's cache, for texts with a `max-age`: a cache per world, which its clock empties. */
const cached = new WeakMap<Platform, Map<string, Cached>>();

const cacheOfWorld = {
  async match(url: string): Promise<Response | undefined> {
    const found = cached.get(present())?.get(url);
    if (found === undefined || found.until <= now()) return undefined;
    return new Response(found.text, {
      headers: found.headers.map(([name, value]) => [name, value]),
    });
  },
  async put(url: string, response: Response): Promise<void> {
    const platform = present();
    const until = now() + 1_000 * maxAgeOf(response);
    const text = await response.text();
    const entries = cached.get(platform) ?? new Map<string, Cached>();
    cached.set(platform, entries.set(url, { text, headers: [...response.headers], until }));
  },
};

function maxAgeOf({ headers }: Response): number {
  return Number(/max-age=(\d+)/.exec(headers.get("Cache-Control") ?? "")?.[1] ?? 0);
}

/** The globals by name. */
export const GLOBALS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ["Date", PlatformDate],
  ["Math", Object.create(Math, { random: { value: () => present().random.next() } })],
  ["setTimeout", setTimer(false)],
  ["clearTimeout", clearTimer],
  ["setInterval", setTimer(true)],
  ["clearInterval", clearTimer],
  [
    "scheduler",
    {
      wait: (ms: number) => {
        const platform = present();
        return platform.waiting(
          new Promise<void>((resolve) => void platform.setTimer(resolve, ms, null)),
        );
      },
    },
  ],
  ["crypto", cryptoOf()],
  ["caches", { default: cacheOfWorld }],
  ["console", { log: say, info: say, warn: say, error: say, debug: say }],
  ["Blob", PlatformBlob],
  ["Request", PlatformRequest],
  ["FixedLengthStream", FixedLengthStream],
  ["fetch", () => Promise.reject(new Error("nothing is fetched in this world"))],
]);
