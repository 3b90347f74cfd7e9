/** R2 as one bucket of it: strongly consistent, and failing before or after its effect. */
import type { Life } from "./life.ts";
import type { Platform } from "./platform.ts";
import { passing } from "./wire.ts";

/** What is stored under a key. */
export interface StoredObject {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** When it was stored, by R2's clock. */
  readonly uploaded: Date;
  readonly version: string;
  readonly httpMetadata: unknown;
  readonly customMetadata: unknown;
}

interface PutOptions {
  readonly httpMetadata?: unknown;
  readonly customMetadata?: unknown;
}

const LIST_PAGE = 1_000;

export class Bucket {
  readonly name: string;
  readonly objects = new Map<string, StoredObject>();
  /** Operations on it so far. */
  operations = 0;
  readonly #platform: Platform;
  #versions = 0;

  constructor(platform: Platform, name: string) {
    this.#platform = platform;
    this.name = name;
  }

  /** The binding as this life uses it. */
  boundTo(life: Life): object {
    const operate = <T>(what: string, perform: () => T): Promise<T> =>
      this.#operate(life, what, perform);
    return {
      put: async (key: string, value: unknown, options: PutOptions = {}) => {
        const bytes = await bytesOf(value);
        return operate(`put ${key}`, () => described(key, this.store(key, bytes, options)));
      },
      get: (
        key: string,
        options: { readonly range?: { readonly offset?: number; readonly length?: number } } = {},
      ) => operate(`get ${key}`, () => this.#read(key, options.range)),
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
      list: (
        options: {
          readonly prefix?: string;
          readonly cursor?: string;
          readonly limit?: number;
        } = {},
      ) => operate(`list ${options.prefix ?? ""}`, () => this.#list(options)),
      createMultipartUpload: (key: string, options: PutOptions = {}) =>
        operate(`begin ${key}`, () => this.#upload(life, key, options)),
    };
  }

  /** Stores it at once. */
  store(key: string, bytes: Uint8Array<ArrayBuffer>, options: PutOptions = {}): StoredObject {
    const object: StoredObject = {
      bytes,
      uploaded: new Date(this.#platform.ground.wall()),
      version: `v${++this.#versions}`,
      httpMetadata: options.httpMetadata ?? {},
      customMetadata: options.customMetadata ?? {},
    };
    this.objects.set(key, object);
    return object;
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
    return promise;
  }

  #read(
    key: string,
    range: { readonly offset?: number; readonly length?: number } = {},
  ): object | null {
    const object = this.objects.get(key);
    if (object === undefined) return null;
    const { offset = 0, length = object.bytes.length } = range;
    const bytes = object.bytes.slice(offset, offset + length);
    return {
      ...described(key, object),
      get body() {
        return new ReadableStream({
          start(controller) {
            if (bytes.length > 0) controller.enqueue(bytes);
            controller.close();
          },
        });
      },
      arrayBuffer: async () => bytes.slice().buffer,
      text: async () => new TextDecoder().decode(bytes),
      json: async (): Promise<unknown> => JSON.parse(new TextDecoder().decode(bytes)),
    };
  }

  #list({
    prefix = "",
    cursor = "",
    limit = LIST_PAGE,
  }: {
    prefix?: string;
    cursor?: string;
    limit?: number;
  }): object {
    const keys = [...this.objects.keys()]
      .filter((key) => key.startsWith(prefix) && key > cursor)
      .toSorted();
    const page = keys.slice(0, limit);
    const truncated = keys.length > page.length;
    return {
      objects: page.flatMap((key) => {
        const object = this.objects.get(key);
        return object === undefined ? [] : [described(key, object)];
      }),
      truncated,
      ...(truncated && { cursor: page.at(-1) }),
      delimitedPrefixes: [],
    };
  }

  #upload(life: Life, key: string, options: PutOptions): object {
    const parts = new Map<number, Uint8Array>();
    let isOver = false;
    const operate = <T>(what: string, perform: () => T): Promise<T> =>
      this.#operate(life, what, () => {
        if (isOver) throw new Error("the upload is over");
        return perform();
      });
    return {
      key,
      uploadId: `upload-${++this.#versions}`,
      uploadPart: async (partNumber: number, value: unknown) => {
        const bytes = await bytesOf(value);
        return operate(`part ${partNumber} of ${key}`, () => {
          parts.set(partNumber, bytes);
          return { partNumber, etag: `part-${partNumber}` };
        });
      },
      complete: (uploaded: readonly { readonly partNumber: number }[]) =>
        operate(`complete ${key}`, () => {
          isOver = true;
          const bytes = Buffer.concat(
            uploaded.flatMap(({ partNumber }) => parts.get(partNumber) ?? []),
          );
          return described(key, this.store(key, new Uint8Array(bytes), options));
        }),
      abort: () =>
        operate(`abort ${key}`, () => {
          isOver = true;
        }),
    };
  }
}

function described(
  key: string,
  { bytes, uploaded, version, httpMetadata, customMetadata }: StoredObject,
): object {
  return {
    key,
    size: bytes.length,
    uploaded,
    version,
    etag: `etag-${version}`,
    httpEtag: `"etag-${version}"`,
    checksums: {},
    httpMetadata,
    customMetadata,
  };
}

async function bytesOf(value: unknown): Promise<Uint8Array<ArrayBuffer>> {
  if (typeof value === "string") return new TextEncoder().encode(value);
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (value instanceof ArrayBuffer) return new Uint8Array(value.slice(0));
  if (!(value instanceof ReadableStream)) throw new TypeError("R2 stores bytes, texts and streams");
  const chunks: Uint8Array[] = [];
  const stream: ReadableStream<Uint8Array> = value;
  for await (const chunk of stream) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}
