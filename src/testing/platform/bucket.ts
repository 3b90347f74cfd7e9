/** A bucket of R2: strongly consistent, with R2's limits, failing before or after its effect. */
import type { Life } from "./life.ts";
import {
  checkKey,
  checkMetadata,
  checkPartNumber,
  type Condition,
  headerOf,
  holds,
  httpMetadataOf,
  joined,
  LIST_PAGE,
  pageOf,
  type Part,
  partOf,
  r2Error,
  type Range,
} from "./bucket-rules.ts";
import {
  checkedChecksums,
  type Checksums,
  type GivenChecksums,
  wantedChecksum,
} from "./checksums.ts";
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
  /** The checksums with which it came. */
  readonly checksums: Checksums;
}

interface PutOptions extends GivenChecksums {
  readonly httpMetadata?: unknown;
  readonly customMetadata?: unknown;
  readonly onlyIf?: Condition | Headers;
}

interface GetOptions {
  readonly range?: Range | Headers;
  readonly onlyIf?: Condition | Headers;
}

interface ListOptions {
  readonly prefix?: string;
  readonly cursor?: string;
  readonly startAfter?: string;
  readonly delimiter?: string;
  readonly limit?: number;
  readonly include?: readonly string[];
}

/** An upload in parts that is not over. */
interface Upload {
  readonly key: string;
  readonly options: PutOptions;
  readonly parts: Map<number, Part & { readonly bytes: Uint8Array }>;
}

/** Performs an operation of the bucket, at once or after its way over the network. */
type Operate = <T>(what: string, perform: () => T) => Promise<T>;

export class Bucket {
  readonly name: string;
  readonly objects = new Map<string, StoredObject>();
  /** Operations on the bucket so far. */
  operations = 0;
  readonly #platform: Platform;
  #versions = 0;
  readonly #uploads = new Map<string, Upload>();

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
  store(
    key: string,
    bytes: Uint8Array<ArrayBuffer>,
    options: PutOptions = {},
    checksums: Checksums = {},
  ): StoredObject {
    const version = `v${++this.#versions}`;
    const object: StoredObject = {
      bytes,
      uploaded: new Date(this.#platform.ground.wall()),
      version,
      etag: `etag-${version}`,
      httpMetadata: httpMetadataOf(options.httpMetadata),
      customMetadata: options.customMetadata ?? {},
      checksums,
    };
    this.objects.set(key, object);
    return object;
  }

  #binding(operate: Operate): object {
    return {
      put: async (key: string, value: unknown, options: PutOptions = {}) => {
        checkKey("put", key);
        checkMetadata(options.customMetadata);
        const wanted = wantedChecksum(options);
        const bytes = await bytesOf(value);
        return operate(`put ${key}`, () => {
          if (!holds(this.objects.get(key), options.onlyIf)) return null;
          const checksums = checkedChecksums(wanted, bytes);
          return described(key, this.store(key, bytes, options, checksums));
        });
      },
      get: (key: string, options: GetOptions = {}) =>
        operate(`get ${key}`, () => {
          checkKey("get", key);
          return this.#read(key, options);
        }),
      head: (key: string) =>
        operate(`head ${key}`, () => {
          checkKey("head", key);
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
        operate(`begin ${key}`, () => {
          const uploadId = `upload-${++this.#versions}`;
          this.#uploads.set(uploadId, { key, options, parts: new Map() });
          return this.#upload(operate, key, uploadId);
        }),
      resumeMultipartUpload: (key: string, uploadId: string) =>
        this.#upload(operate, key, uploadId),
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
        const answer = refused ? null : outcomeOf(perform);
        if (answer === null || ground.strikes("r2_unsure", where)) {
          platform.resume(life, inMs, () =>
            reject(passing("internal error: please try again (10001)")),
          );
        } else
          platform.resume(life, inMs, () =>
            "is" in answer ? resolve(answer.is) : reject(answer.error),
          );
      });
    });
    return platform.waiting(promise);
  }

  #read(key: string, { range, onlyIf }: GetOptions): object | null {
    const object = this.objects.get(key);
    if (object === undefined) return null;
    if (!holds(object, onlyIf)) return described(key, object);
    const part = partOf(object.bytes.length, range);
    const bytes = object.bytes.slice(part.offset, part.offset + part.length);
    let isRead = false;
    let body: ReadableStream<Uint8Array> | null = null;
    const isUsed = (): boolean => isRead || (body?.locked ?? false);
    const take = (): Uint8Array<ArrayBuffer> => {
      if (isUsed())
        throw new TypeError(
          "Body has already been used. It can only be used once. Use tee() first if you need to read it twice.",
        );
      isRead = true;
      return bytes;
    };
    const text = (): string => new TextDecoder().decode(take());
    return {
      ...described(key, object),
      range: part,
      get body() {
        return (body ??= streamOf(bytes));
      },
      get bodyUsed() {
        return isUsed();
      },
      arrayBuffer: async () => take().slice().buffer,
      bytes: async () => take().slice(),
      blob: async () => new Blob([take()]),
      text: async () => text(),
      json: async (): Promise<unknown> => JSON.parse(text()),
    };
  }

  #list(options: ListOptions): object {
    const { prefix = "", cursor = "", startAfter = "", delimiter, include = [] } = options;
    const pageSize = pageOf(options.limit);
    const after = cursor > startAfter ? cursor : startAfter;
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix)).toSorted();
    // Keys behind the delimiter stand for their common prefix, once.
    const entries = new Set(keys.map((key) => folderOf(key, prefix, delimiter) ?? key));
    const rest = [...entries].filter((entry) => entry > after);
    const page = rest.slice(0, pageSize);
    const truncated = rest.length > page.length;
    return {
      objects: page.flatMap((key) => {
        const object = this.objects.get(key);
        if (object === undefined) return [];
        const httpMetadata = include.includes("httpMetadata") ? object.httpMetadata : {};
        const customMetadata = include.includes("customMetadata") ? object.customMetadata : {};
        return [described(key, { ...object, httpMetadata, customMetadata })];
      }),
      truncated,
      ...(truncated && { cursor: page.at(-1) }),
      delimitedPrefixes: page.filter((entry) => !this.objects.has(entry)),
    };
  }

  /** An upload in parts. One that is over, or was never begun, takes no part. */
  #upload(operate: Operate, key: string, uploadId: string): object {
    const open = (operation: string): Upload => {
      const upload = this.#uploads.get(uploadId);
      if (upload?.key === key) return upload;
      throw r2Error(operation, "The specified multipart upload does not exist.", 10_024);
    };
    return {
      key,
      uploadId,
      uploadPart: async (partNumber: number, value: unknown) => {
        checkPartNumber(partNumber);
        const bytes = await bytesOf(value);
        return operate(`part ${partNumber} of ${key}`, () => {
          const part = { partNumber, etag: `part-${partNumber}` };
          open("uploadPart").parts.set(partNumber, { ...part, bytes });
          return part;
        });
      },
      complete: (named: readonly Part[]) =>
        operate(`complete ${key}`, () => {
          const { parts, options } = open("completeMultipartUpload");
          const bytes = joined(parts, named);
          this.#uploads.delete(uploadId);
          return described(key, this.store(key, bytes, options));
        }),
      abort: () => operate(`abort ${key}`, () => void this.#uploads.delete(uploadId)),
    };
  }
}

/** Performs an operation, which R2 may refuse. */
function outcomeOf<T>(perform: () => T): { readonly is: T } | { readonly error: unknown } {
  try {
    return { is: perform() };
  } catch (error) {
    return { error };
  }
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
  const { bytes, uploaded, version, etag, httpMetadata, customMetadata, checksums } = object;
  return {
    key,
    size: bytes.length,
    uploaded,
    version,
    etag,
    httpEtag: `"${etag}"`,
    checksums,
    httpMetadata,
    customMetadata,
    writeHttpMetadata: (headers: Headers) => {
      if (typeof httpMetadata !== "object" || httpMetadata === null) return;
      for (const [name, value] of Object.entries(httpMetadata))
        headers.set(headerOf(name), String(value));
    },
  };
}

async function bytesOf(value: unknown): Promise<Uint8Array<ArrayBuffer>> {
  if (typeof value === "string") return new Uint8Array(new TextEncoder().encode(value));
  if (value === null) return new Uint8Array();
  // `Uint8Array.from` would copy byte by byte.
  if (ArrayBuffer.isView(value))
    return new Uint8Array(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  if (value instanceof ArrayBuffer) return new Uint8Array(value).slice();
  if (value instanceof Blob) return new Uint8Array(await value.arrayBuffer());
  if (!(value instanceof ReadableStream)) throw new TypeError("R2 stores bytes, texts and streams");
  const chunks: Uint8Array[] = [];
  const stream: ReadableStream<Uint8Array> = value;
  for await (const chunk of stream) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks)).slice();
}
