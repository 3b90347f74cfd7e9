/** Payloads of a test whose bytes Node reads elsewhere, such as in a thread, held in memory. */

/** A Blob that gives its bytes at once: the clock of a test's world waits for no thread. */
class HeldBlob extends Blob {
  readonly #bytes: Uint8Array<ArrayBuffer>;

  constructor(bytes: Uint8Array<ArrayBuffer>, type: string) {
    super([bytes], { type });
    this.#bytes = bytes;
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return streamOf(this.#bytes);
  }
}

/** Returns the payload itself, or its copy in memory for a `Blob` or an unread stream. */
export async function inMemory(payload: unknown): Promise<unknown> {
  if (payload instanceof Blob) return new HeldBlob(await bytesOf(payload), payload.type);
  if (payload instanceof ReadableStream && !payload.locked) return streamOf(await bytesOf(payload));
  return payload;
}

async function bytesOf(body: Blob | ReadableStream): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(body).arrayBuffer());
}

function streamOf(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes.slice());
      controller.close();
    },
  });
}

/**
 * Reads the body of a request before it is sent, so that the worker never waits for a thread of
 * this process.
 */
export async function bodyOf(body: BodyInit | null | undefined): Promise<Uint8Array | null> {
  if (body === null || body === undefined) return null;
  return new Uint8Array(await new Response(body).arrayBuffer());
}
