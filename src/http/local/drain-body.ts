/**
 * On the local runtime: reads what nobody has read of a request's body before its answer is given, as the bundle of `wrangler dev` does.
 * There, an answer to a body that is still coming tears the connection now and then, and the client gets an error of the runtime in place
 * of, say, 413. On Cloudflare the edge sees to it.
 *
 * A body that is cancelled tears it as well, and cannot be read any more. So it is not cancelled: its rest is read and dropped instead.
 */
import type { MiddlewareHandler } from "hono";
import type { HttpEnv } from "../http-env.ts";

/** Bodies whose answers are kept back: the router runs what is for all paths twice for the path "/*". */
const awaited = new WeakSet<ReadableStream>();

/** Keeps the answer back until the body has come. Whoever has begun to read it, and goes on behind the answer, is left alone. */
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

/** Changes what `cancel` of this body and of its readers does. The rests that are being dropped are in the list that is returned. */
function dropInsteadOfCancel(body: ReadableStream<Uint8Array>): readonly Promise<void>[] {
  const dropped: Promise<void>[] = [];
  const getReader = body.getReader.bind(body);
  Object.defineProperty(body, "cancel", { value: () => begin(getReader()) });
  Object.defineProperty(body, "getReader", {
    value(options?: ReadableStreamGetReaderOptions) {
      if (options !== undefined) return getReader(options);
      const reader = getReader();
      const read = reader.read.bind(reader);
      // The runtime lets one read wait at a time.
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

/** Reads to the end. A client that goes away meanwhile has no use for the answer either. */
async function drop(reader: Pick<ReadableStreamDefaultReader, "read">): Promise<void> {
  try {
    while (!(await reader.read()).done);
  } catch {
    // It is gone, or whoever reads has let go of the body: then there is nothing more to wait for.
  }
}
