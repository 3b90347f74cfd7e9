/** A bucket of R2: strongly consistent, with R2's limits, failing before or after its effect. */
import type { Life } from "./life.ts";
import type { Platform } from "./platform.ts";
import { passing } from "./wire.ts";

/** The object under a key. */
export interface StoredObject {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The time of storing, by R2's own clock. */
  readonly uploaded: Date;
  readonly version: string;
  readonly etag: string;
  readonly httpMetadata: unknown;
  readonly customMetadata: unknown;
}

interface PutOptions {
  readonly httpMetadata?: unknown;
  readonly customMetadata?: unknown;
  readonly onlyIf?: Condition;
}

/** Conditions on the version that is stored. */
interface Condition {
  readonly etagMatches?: string;
  readonly etagDoesNotMatch?: string;
}

interface Range {
  readonly offset?: number;
  readonly length?: number;
  readonly suffix?: number;
}

interface ListOptions {
  readonly prefix?: string;
  readonly cursor?: string;
  readonly startAfter?: string;
  readonly delimiter?: string;
  readonly limit?: number;
}

const LIST_PAGE = 1_000;
/** Bytes of UTF-8. */
const MAX_KEY_BYTES = 1_024;
const MAX_METADATA_BYTES = 8_192;

/** Performs an operation of the bucket, at once or after its way over the network. */
type Operate = <T>(what: string, perform: () => T) => Promise<T>;

export class Bucket {
  readonly name: string;
  readonly objects = new Map<string, StoredObject>();
  /** Operations on the bucket so far. */
  operations = 0;
  readonly #platform: Platform;
  #versions = 0;

  constructor(platform: Platform, name: string) {
    this.#platform = platform;
    this.name = name;
  }

  /** Returns the binding for this life. */
  boundTo(life: Life): object {
    return this.#binding((what, perform) => this.#operate(life, what, perform));
  }

  /** Returns a binding for code outside of the worker: its operations take no time. */
  direct(): object {
    return this.#binding(async (_what, perform) => perform());
  }

  /** Stores an object at once. */
  store(key: string, bytes: Uint8Array<ArrayBuffer>, options: PutOptions = {}): StoredObject {
    const version = `v${++this.#versions}`;
    const object: StoredObject = {
      bytes,
      uploaded: new Date(this.#platform.ground.wall()),
      version,
      etag: `etag-${version}`,
      httpMetadata: options.httpMetadata ?? {},
      customMetadata: options.customMetadata ?? {},
    };
    this.objects.set(key, object);
    return object;
  }

  #binding(operate: Operate): object {
    return {
      put: async (key: string, value: unknown, options: PutOptions = {}) => {
        checkKey(key);
        const metadata = JSON.stringify(options.customMetadata ?? {});
        if (metadata.length > MAX_METADATA_BYTES)
          throw new Error(
            `put: Your metadata headers exceed the maximum allowed metadata size. (10012)`,
          );
        const bytes = await bytesOf(value);
        return operate(`put ${key}`, () =>
          this.#holds(key, options.onlyIf) ? described(key, this.store(key, bytes, options)) : null,
        );
      },
      get: (key: string, options: { readonly range?: Range; readonly onlyIf?: Condition } = {}) =>
        operate(`get ${key}`, () => this.#read(key, options)),
      head: (key: string) =>
        operate(`head ${key}`, () => {
          const object = this.objects.get(key);
          return object === undefined ? null : described(key, object);
        }),
      delete: (keys: string | readonly string[]) => {
        const all = typeof keys === "string" ? [keys] : [...keys];
        if (all.length > LIST_PAGE) throw new Error(`R2 deletes at most ${LIST_PAGE} keys at once`);
        return operate(`delete ${all.join(", ")}`, () =>
          all.forEach((key) => this.objects.delete(key)),
        );
      },
      list: (options: ListOptions = {}) =>
        operate(`list ${options.prefix ?? ""}`, () => this.#list(options)),
      createMultipartUpload: (key: string, options: PutOptions = {}) =>
        operate(`begin ${key}`, () => this.#upload(operate, key, options)),
    };
  }

  #operate<T>(life: Life, what: string, perform: () => T): Promise<T> {
    const platform = this.#platform;
    const { ground } = platform;
    const where = (): string => `${life.name}: ${this.name}: ${what}`;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    life.send(() => {
      platform.after(null, platform.dice.between(3, 20), () => {
        this.operations += 1;
        const inMs = platform.dice.between(3, 20);
        if (ground.strikes("r2_hangs", where)) return;
        const refused = ground.strikes("r2_refused", where);
        const answer = refused ? null : { is: perform() };
        if (answer === null || ground.strikes("r2_unsure", where)) {
          life.failures += 1;
          platform.resume(life, inMs, () =>
            reject(passing("internal error: please try again (10001)")),
          );
        } else platform.resume(life, inMs, () => resolve(answer.is));
      });
    });
    return platform.waiting(promise);
  }

  #holds(key: string, { etagMatches, etagDoesNotMatch }: Condition = {}): boolean {
    const etag = this.objects.get(key)?.etag ?? null;
    if (etagMatches !== undefined && etag !== etagMatches) return false;
    return etagDoesNotMatch === undefined || etag !== etagDoesNotMatch;
  }

  #read(
    key: string,
    { range = {}, onlyIf }: { readonly range?: Range; readonly onlyIf?: Condition },
  ): object | null {
    const object = this.objects.get(key);
    if (object === undefined) return null;
    if (!this.#holds(key, onlyIf)) return described(key, object);
    const { suffix } = range;
    const offset =
      suffix === undefined ? (range.offset ?? 0) : Math.max(0, object.bytes.length - suffix);
    const bytes = object.bytes.slice(offset, offset + (range.length ?? object.bytes.length));
    const text = (): string => new TextDecoder().decode(bytes);
    let body: ReadableStream<Uint8Array> | null = null;
    return {
      ...described(key, object),
      get body() {
        return (body ??= streamOf(bytes));
      },
      get bodyUsed() {
        return body?.locked ?? false;
      },
      arrayBuffer: async () => bytes.slice().buffer,
      bytes: async () => bytes.slice(),
      blob: async () => new Blob([bytes]),
      text: async () => text(),
      json: async (): Promise<unknown> => JSON.parse(text()),
    };
  }

  #list({ prefix = "", cursor = "", startAfter = "", delimiter, limit }: ListOptions): object {
    const after = cursor > startAfter ? cursor : startAfter;
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix)).toSorted();
    // Keys behind the delimiter stand for their common prefix, once.
    const entries = new Set(keys.map((key) => folderOf(key, prefix, delimiter) ?? key));
    const rest = [...entries].filter((entry) => entry > after);
    const page = rest.slice(0, Math.min(LIST_PAGE, limit ?? LIST_PAGE));
    const truncated = rest.length > page.length;
    return {
      objects: page.flatMap((key) => {
        const object = this.objects.get(key);
        return object === undefined ? [] : [described(key, object)];
      }),
      truncated,
      ...(truncated && { cursor: page.at(-1) }),
      delimitedPrefixes: page.filter((entry) => !this.objects.has(entry)),
    };
  }

  #upload(operate: Operate, key: string, options: PutOptions): object {
    const parts = new Map<number, Uint8Array>();
    let isOver = false;
    const open = <T>(what: string, perform: () => T): Promise<T> =>
      operate(what, () => {
        if (isOver) throw new Error("the upload is over");
        return perform();
      });
    return {
      key,
      uploadId: `upload-${++this.#versions}`,
      uploadPart: async (partNumber: number, value: unknown) => {
        const bytes = await bytesOf(value);
        return open(`part ${partNumber} of ${key}`, () => {
          parts.set(partNumber, bytes);
          return { partNumber, etag: `part-${partNumber}` };
        });
      },
      complete: (uploaded: readonly { readonly partNumber: number }[]) =>
        open(`complete ${key}`, () => {
          isOver = true;
          const bytes = Buffer.concat(
            uploaded.flatMap(({ partNumber }) => parts.get(partNumber) ?? []),
          );
          return described(key, this.store(key, new Uint8Array(bytes), options));
        }),
      abort: () =>
        open(`abort ${key}`, () => {
          isOver = true;
        }),
    };
  }
}

function checkKey(key: string): void {
  if (Buffer.byteLength(key) > MAX_KEY_BYTES)
    throw new Error(`put: The specified object name is not valid. (10020)`);
}

/** Returns the common prefix that stands for the key in a list; null: the key stands for itself. */
function folderOf(key: string, prefix: string, delimiter: string | undefined): string | null {
  if (delimiter === undefined || delimiter === "") return null;
  const at = key.indexOf(delimiter, prefix.length);
  return at === -1 ? null : key.slice(0, at + delimiter.length);
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
}

function described(key: string, object: StoredObject): object {
  const { bytes, uploaded, version, etag, httpMetadata, customMetadata } = object;
  return {
    key,
    size: bytes.length,
    uploaded,
    version,
    etag,
    httpEtag: `"${etag}"`,
    checksums: {},
    httpMetadata,
    customMetadata,
    writeHttpMetadata: (headers: Headers) => {
      if (typeof httpMetadata !== "object" || httpMetadata === null) return;
      for (const [name, value] of Object.entries(httpMetadata))
        headers.set(
          name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
          String(value),
        );
    },
  };
}

async function bytesOf(value: unknown): Promise<Uint8Array<ArrayBuffer>> {
  if (typeof value === "string") return Uint8Array.from(new TextEncoder().encode(value));
  if (value === null) return new Uint8Array();
  if (ArrayBuffer.isView(value))
    return Uint8Array.from(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  if (value instanceof ArrayBuffer) return new Uint8Array(value).slice();
  if (value instanceof Blob) return new Uint8Array(await value.arrayBuffer());
  if (!(value instanceof ReadableStream)) throw new TypeError("R2 stores bytes, texts and streams");
  const chunks: Uint8Array[] = [];
  const stream: ReadableStream<Uint8Array> = value;
  for await (const chunk of stream) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks)).slice();
}
