/**
 * Holds a request's body to `max_body`: by its declared length at once, and a chunked one while it is read. Reading beyond the limit
 * fails, and `exceeded` tells afterwards why.
 *
 * And keeps the beginning of it for the inspector, at no cost to the endpoint: a small body is read here, of a chunked one the first
 * bytes are noted as they pass. A large one of known length stays the runtime's own stream (R2 needs that), and nothing is kept.
 */
import { KEPT_BODY_BYTES, type KeptBody } from "../core/delivery.ts";

export interface LimitedRequest {
  readonly request: Request;
  /** Whether somebody has read beyond the limit. */
  exceeded(): boolean;
  /** The body as far as it was read by now. */
  kept(): KeptBody;
}

const NOTHING = new Uint8Array(0);

/** Null if the declared length alone is too much. */
export async function limitBody(request: Request, maxBytes: number): Promise<LimitedRequest | null> {
  const declared = declaredLength(request);
  if (declared !== null && declared > maxBytes) return null;
  if (request.body === null) return heldRequest(request, NOTHING);
  if (!canCarry(request)) return { request, exceeded: () => false, kept: () => unkeptBody(request) };
  if (declared === null) return countedRequest(request, request.body, maxBytes);
  if (declared > KEPT_BODY_BYTES) return { request, exceeded: () => false, kept: () => unkeptBody(request) };
  const body = new Uint8Array(await request.arrayBuffer());
  return heldRequest(new Request(request, { body }), body);
}

/** Whether a request like this one can be made with a body. The platform takes a GET that has one, but makes none. */
export function canCarry({ method, body }: Request): boolean {
  return body !== null && method !== "GET" && method !== "HEAD";
}

/** What is kept of a body that nobody has looked at. */
export function unkeptBody(request: Request): KeptBody {
  return { bytes: NOTHING, size: declaredLength(request), isWhole: false };
}

/** What is kept of a body that is there as a whole. */
export function keptOf(body: Uint8Array): KeptBody {
  const { byteLength: size } = body;
  return { bytes: body.slice(0, KEPT_BODY_BYTES), size, isWhole: size <= KEPT_BODY_BYTES };
}

function heldRequest(request: Request, body: Uint8Array): LimitedRequest {
  return { request, exceeded: () => false, kept: () => keptOf(body) };
}

function countedRequest(request: Request, body: ReadableStream<Uint8Array>, maxBytes: number): LimitedRequest {
  const first: Uint8Array[] = [];
  let seen = 0;
  let isRead = false;
  const counted = body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        const room = KEPT_BODY_BYTES - seen;
        // A copy: the reader may give the chunk's buffer away.
        if (room > 0) first.push(chunk.slice(0, room));
        seen += chunk.byteLength;
        if (seen > maxBytes) controller.error(new RangeError(`the body has more than ${maxBytes} bytes`));
        else controller.enqueue(chunk);
      },
      flush() {
        isRead = true;
      },
    }),
  );
  return {
    request: new Request(request, { body: counted }),
    exceeded: () => seen > maxBytes,
    kept: () => ({
      bytes: joined(first),
      size: isRead ? seen : null,
      isWhole: isRead && seen <= KEPT_BODY_BYTES,
    }),
  };
}

function declaredLength(request: Request): number | null {
  const declared = request.headers.get("Content-Length");
  return declared === null ? null : Number(declared);
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((size, { byteLength }) => size + byteLength, 0));
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}
