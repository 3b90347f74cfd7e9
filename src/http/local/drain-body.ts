/**
 * Reads unread request bodies to their end before the answer is sent, on the local runtime only;
 * the bundle of `wrangler dev` does the same. There, an answer to a body that is still arriving
 * breaks the connection now and then, and the client gets an error of the runtime instead of, say,
 * 413. On Cloudflare the edge drains the body.
 *
 * Cancelling a body breaks the connection too, and leaves nothing to read. So `cancel` is replaced:
 * it reads and discards the rest.
 */
import type { MiddlewareHandler } from "hono";
import type { HttpEnv } from "../http-env.ts";

/**
 * Bodies that are already handled: Hono's router runs middleware of all paths twice for the path
 * "/*".
 */
const awaited = new WeakSet<ReadableStream>();

/**
 * Middleware that holds the answer until the body has arrived. A body with a reader of its own is
 * left to that reader.
 *
 * ```ts
 * app.use(drainBody);
 * ```
 */
export const drainBody: MiddlewareHandler<HttpEnv> = async function drainBody(c, next) {
  const { body } = c.req.raw;
  if (body === null || awaited.has(body)) {
    await next();
    return;
  }
  awaited.add(body);
  const dropped = dropInsteadOfCancel(body);
  await next();
  await Promise.all(dropped);
  if (!body.locked) await drop(body.getReader());
};

/**
 * Replaces `cancel` of the body and of its readers. Returns a list that grows by a promise for each
 * body being discarded.
 */
function dropInsteadOfCancel(body: ReadableStream<Uint8Array>): readonly Promise<void>[] {
  const dropped: Promise<void>[] = [];
  const getReader = body.getReader.bind(body);
  Object.defineProperty(body, "cancel", { value: () => begin(getReader()) });
  Object.defineProperty(body, "getReader", {
    value(options?: ReadableStreamGetReaderOptions) {
      if (options !== undefined) return getReader(options);
      const reader = getReader();
      const read = reader.read.bind(reader);
      // The runtime allows one pending read at a time.
      let last: Promise<unknown> = Promise.resolve();
      const waiting = { read: () => last.catch(() => undefined).then(read) };
      let rest: Promise<void> | null = null;
      Object.defineProperty(reader, "read", { value: () => (last = read()) });
      Object.defineProperty(reader, "cancel", { value: () => (rest ??= begin(waiting)) });
      return reader;
    },
  });
  return dropped;

  function begin(reader: Pick<ReadableStreamDefaultReader, "read">): Promise<void> {
    const rest = drop(reader);
    dropped.push(rest);
    return rest;
  }
}

/** Reads to the end. A client that disconnects meanwhile no longer needs an answer. */
async function drop(reader: Pick<ReadableStreamDefaultReader, "read">): Promise<void> {
  try {
    while (!(await reader.read()).done);
  } catch {
    // The client has disconnected, or the reader was released: nothing is left to wait for.
  }
}
