/** A KV namespace in memory, with the limits of the platform. */

/** Bytes. */
const MAX_KEY_BYTES = 512;
const MAX_VALUE_BYTES = 25 * 1024 * 1024;
const MAX_METADATA_BYTES = 1_024;
const LIST_PAGE = 1_000;
const MAX_KEYS_AT_ONCE = 100;
const LEAST_TTL_SECONDS = 60;

interface Entry {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly metadata: unknown;
  /** Epoch milliseconds; null: never. */
  readonly expiresAt: number | null;
}

interface PutOptions {
  readonly expiration?: number;
  readonly expirationTtl?: number;
  readonly metadata?: unknown;
}

type GetType = "text" | "json" | "arrayBuffer" | "stream";
type GetOptions = GetType | { readonly type?: GetType };

/** The namespace of one binding. */
export class KvNamespace {
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;

  /** `now`: the clock of the world, epoch milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  async get(key: string | readonly string[], options: GetOptions = "text"): Promise<unknown> {
    if (typeof key === "string") return (await this.getWithMetadata(key, options)).value;
    if (key.length > MAX_KEYS_AT_ONCE)
      throw new Error(
        `KV GET_BULK failed: 400 You can request a maximum of ${MAX_KEYS_AT_ONCE} keys`,
      );
    if (key.length === 0)
      throw new Error("KV GET_BULK failed: 400 You must request a minimum of 1 key");
    const values = key.map(async (each) => [each, await this.get(each, options)] as const);
    return new Map(await Promise.all(values));
  }

  async getWithMetadata(
    key: string,
    options: GetOptions = "text",
  ): Promise<{ value: unknown; metadata: unknown; cacheStatus: null }> {
    checkKey(key);
    const entry = this.#entry(key);
    const type = typeof options === "string" ? options : (options.type ?? "text");
    return {
      value: entry === null ? null : read(entry.bytes, type),
      metadata: entry?.metadata ?? null,
      cacheStatus: null,
    };
  }

  async put(key: string, value: unknown, options: PutOptions = {}): Promise<void> {
    checkKey(key);
    const { expiration, expirationTtl, metadata = null } = options;
    if (expirationTtl !== undefined && expirationTtl < LEAST_TTL_SECONDS)
      throw new Error(
        `KV PUT failed: 400 Invalid expiration_ttl of ${expirationTtl}. Expiration TTL must be at least ${LEAST_TTL_SECONDS}.`,
      );
    if (expiration !== undefined && expiration < this.#now() / 1_000 + LEAST_TTL_SECONDS)
      throw new Error(
        `KV PUT failed: 400 Invalid expiration of ${expiration}. Expiration times must be at least ${LEAST_TTL_SECONDS} seconds in the future.`,
      );
    const text = JSON.stringify(metadata);
    if (Buffer.byteLength(text) > MAX_METADATA_BYTES)
      throw new Error(
        `KV PUT failed: 413 Metadata length of ${Buffer.byteLength(text)} exceeds limit of ${MAX_METADATA_BYTES}.`,
      );
    const bytes = new Uint8Array(await bytesOf(value));
    if (bytes.length > MAX_VALUE_BYTES)
      throw new Error(
        `KV PUT failed: 413 Value length of ${bytes.length} exceeds limit of ${MAX_VALUE_BYTES}.`,
      );
    const expiresAt =
      expirationTtl === undefined
        ? expiration === undefined
          ? null
          : expiration * 1_000
        : this.#now() + expirationTtl * 1_000;
    this.#entries.set(key, { bytes, metadata: JSON.parse(text), expiresAt });
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    this.#entries.delete(key);
  }

  async list(
    options: { readonly prefix?: string; readonly limit?: number; readonly cursor?: string } = {},
  ): Promise<object> {
    const { prefix = "", limit = LIST_PAGE, cursor = "" } = options;
    if (!(limit >= 1 && limit <= LIST_PAGE))
      throw new Error(
        `KV GET failed: 400 Invalid key_count_limit of ${limit}. Please specify an integer from 1 to ${LIST_PAGE}.`,
      );
    const keys = [...this.#entries.keys()]
      .filter((key) => key.startsWith(prefix) && key > cursor && this.#entry(key) !== null)
      .toSorted();
    const page = keys.slice(0, limit);
    const isComplete = page.length === keys.length;
    return {
      keys: page.map((name) => {
        const { metadata, expiresAt } = this.#entries.get(name) ?? {};
        return {
          name,
          ...(metadata !== null && { metadata }),
          ...(typeof expiresAt === "number" && { expiration: Math.floor(expiresAt / 1_000) }),
        };
      }),
      list_complete: isComplete,
      ...(!isComplete && { cursor: page.at(-1) }),
      cacheStatus: null,
    };
  }

  #entry(key: string): Entry | null {
    const entry = this.#entries.get(key);
    if (entry === undefined) return null;
    return entry.expiresAt !== null && entry.expiresAt <= this.#now() ? null : entry;
  }
}

function checkKey(key: string): void {
  const size = Buffer.byteLength(key);
  if (key === "") throw new TypeError("Key name cannot be empty.");
  if (key === "." || key === "..")
    throw new TypeError(`${JSON.stringify(key)} is not allowed as a key name.`);
  if (size > MAX_KEY_BYTES)
    throw new Error(
      `KV failed: 414 UTF-8 encoded length of ${size} exceeds key length limit of ${MAX_KEY_BYTES}.`,
    );
}

function read(bytes: Uint8Array<ArrayBuffer>, type: GetType): unknown {
  switch (type) {
    case "text":
      return new TextDecoder().decode(bytes);
    case "json":
      return JSON.parse(new TextDecoder().decode(bytes));
    case "arrayBuffer":
      return bytes.slice().buffer;
    case "stream":
      return new Blob([bytes]).stream();
  }
}

async function bytesOf(value: unknown): Promise<ArrayBuffer> {
  if (
    typeof value === "string" ||
    value instanceof ArrayBuffer ||
    value instanceof ReadableStream ||
    ArrayBuffer.isView(value)
  )
    return new Response(value instanceof ArrayBuffer ? value : toBody(value)).arrayBuffer();
  throw new TypeError(
    "KV put() accepts only strings, ArrayBuffers, ArrayBufferViews, and ReadableStreams as values.",
  );
}

function toBody(value: string | ReadableStream | ArrayBufferView): BodyInit {
  if (typeof value === "string" || value instanceof ReadableStream) return value;
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice();
}
