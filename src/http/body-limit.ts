/**
 * Holds a request's body to `max_body`: by its declared length at once, and a chunked one while it is read. Reading beyond
 * the limit fails, and `exceeded` tells afterwards why.
 */

export interface LimitedRequest {
  readonly request: Request;
  /** Whether somebody has read beyond the limit. */
  exceeded(): boolean;
}

/** Null if the declared length alone is too much. A body of known length stays the runtime's own stream: R2 needs that. */
export function limitBody(request: Request, maxBytes: number): LimitedRequest | null {
  const declared = request.headers.get("Content-Length");
  if (declared !== null) return Number(declared) > maxBytes ? null : { request, exceeded: () => false };
  if (request.body === null) return { request, exceeded: () => false };
  let seen = 0;
  const counted = request.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        seen += chunk.byteLength;
        if (seen > maxBytes) controller.error(new RangeError(`the body has more than ${maxBytes} bytes`));
        else controller.enqueue(chunk);
      },
    }),
  );
  return { request: new Request(request, { body: counted }), exceeded: () => seen > maxBytes };
}
