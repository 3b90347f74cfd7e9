/**
 * Enforces an endpoint's `max_body`, and decodes the body. A declared length is checked at once; a
 * chunked or compressed body is counted while the endpoint reads it. Reading beyond the limit
 * fails, and `fault` then returns the reason.
 *
 * The file also keeps the beginning of the body for the inspector, at no cost for the endpoint: a
 * small body is buffered here, and the first bytes of a chunked one are copied as they pass. A
 * large body of known length stays the runtime's own stream, because R2 needs one, and is not kept.
 */
import { KEPT_BODY_BYTES, type KeptBody } from "../../domain/delivery.ts";
import type { EndpointPlan } from "../../domain/plan/plan.ts";
import { ok, ProblemError, refuse, type Problem, type Result } from "../../domain/problem.ts";
import { collect, joined } from "../../payloads/chunks.ts";
import { contentEncodingOf, decodeBody } from "../../payloads/content-encoding.ts";
import { declaredLength, openBody } from "../bounded-body.ts";

/** A request whose body is limited, and what is known of the body so far. */
export interface LimitedRequest {
  readonly request: Request;
  /**
   * Reason why the body could not be read to its end: too large, or not in its declared encoding.
   * Null until a read has failed.
   */
  fault(): Problem | null;
  /** The bytes read so far, up to the limit of the inspector. */
  kept(): KeptBody;
}

const NOTHING = new Uint8Array(0);
/** Headers that describe the encoded bytes, and are wrong once the body is decoded. */
const TRANSFER_HEADERS = ["Content-Encoding", "Content-Length"] as const;

/** Refuses a body by its headers alone, before a byte is read; null if reading may begin. */
export function refuseByHeaders(request: Request, endpoint: EndpointPlan): Problem | null {
  if ((declaredLength(request) ?? 0) > endpoint.maxBodyBytes) return tooLarge(endpoint);
  const encoding = contentEncodingOf(request.headers);
  if (!encoding.ok) return encoding.problem;
  return encoding.value !== null && request.body !== null && !canCarry(request)
    ? ENCODED_READ
    : null;
}

/**
 * Limits the body of a request that `refuseByHeaders` let pass. Refuses a body over `max_body` if
 * it is small enough to be buffered here.
 */
export async function limitBody(
  request: Request,
  endpoint: EndpointPlan,
): Promise<Result<LimitedRequest>> {
  const { maxBodyBytes } = endpoint;
  const declared = declaredLength(request);
  if (request.body === null) return ok(unchanged(request, keptOf(NOTHING)));
  if (!canCarry(request)) {
    const body = await collect(request.clone().body ?? new Blob().stream(), maxBodyBytes, declared);
    return body === null
      ? refuse(tooLarge(endpoint))
      : ok(unchanged(request, keptUnrepeatable(body)));
  }
  const opened = openBody(request);
  if (!opened.ok) return opened;
  const { body, contentLength } = opened.value;
  if (body === null) return ok(unchanged(request, keptOf(NOTHING)));
  if (contentLength === null) return ok(countedRequest(request, body, endpoint));
  if (contentLength > KEPT_BODY_BYTES) return ok(unchanged(request, unkeptBody(request)));
  const bytes = await collect(body, maxBodyBytes, contentLength);
  return bytes === null ? refuse(tooLarge(endpoint)) : ok(bufferedRequest(request, bytes));
}

/**
 * Limits the body and buffers all of it. `seen` gets each chunk as it was sent, before decoding.
 * Refuses a body over `max_body`.
 */
export async function bufferBody(
  request: Request,
  endpoint: EndpointPlan,
  seen: (chunk: Uint8Array) => void,
): Promise<Result<{ readonly limited: LimitedRequest; readonly sent: Uint8Array }>> {
  const { maxBodyBytes } = endpoint;
  const source = canCarry(request) ? request.body : request.clone().body;
  const sent =
    source === null ? NOTHING : await collect(source, maxBodyBytes, declaredLength(request), seen);
  if (sent === null) return refuse(tooLarge(endpoint));
  if (!canCarry(request)) return ok({ limited: unchanged(request, keptUnrepeatable(sent)), sent });
  const encoding = contentEncodingOf(request.headers);
  if (!encoding.ok) return encoding;
  if (encoding.value === null) return ok({ limited: bufferedRequest(request, sent), sent });
  const decoded = decodeBody(new Blob([sent]).stream(), encoding.value);
  return ok({ limited: countedRequest(request, decoded, endpoint), sent });
}

/** Makes a request from a buffered body. */
export function bufferedRequest(request: Request, body: Uint8Array): LimitedRequest {
  return unchanged(canCarry(request) ? new Request(request, { body }) : request, keptOf(body));
}

/**
 * Checks whether a copy of this request can have a body. The platform accepts a GET with a body,
 * but cannot construct one.
 */
export function canCarry({ method, body }: Request): boolean {
  return body !== null && method !== "GET" && method !== "HEAD";
}

/** Reads the beginning of a refused request for the inspector. Skips large and encoded bodies. */
export async function keepBeginning(request: Request): Promise<KeptBody> {
  if (request.body === null) return keptOf(NOTHING);
  const isLarge = (declaredLength(request) ?? 0) > KEPT_BODY_BYTES;
  if (isLarge || request.headers.has("Content-Encoding")) return unkeptBody(request);
  const body = await collect(request.body, KEPT_BODY_BYTES, declaredLength(request));
  if (body === null) return unkeptBody(request);
  return canCarry(request) ? keptOf(body) : keptUnrepeatable(body);
}

/** Record of a body that was not read. */
export function unkeptBody(request: Request): KeptBody {
  return { bytes: NOTHING, size: declaredLength(request), isWhole: false };
}

/** Refuses a body over `max_body`. */
function tooLarge(endpoint: EndpointPlan): Problem {
  return {
    code: "payload_too_large",
    detail: `The endpoint "${endpoint.name}" takes bodies of at most ${endpoint.maxBodyBytes} bytes.`,
    hint: "Send less, or upload the data and send its address; `max_body` in peach.conf sets the limit.",
  };
}

/** Keeps the first bytes of a buffered body. */
function keptOf(body: Uint8Array): KeptBody {
  const { byteLength: size } = body;
  return { bytes: body.slice(0, KEPT_BODY_BYTES), size, isWhole: size <= KEPT_BODY_BYTES };
}

/** Record of a GET with a body: such a request cannot be constructed for a replay. */
function keptUnrepeatable(body: Uint8Array): KeptBody {
  return { ...keptOf(body), isWhole: body.byteLength === 0 };
}

/** Wraps a request whose body needs no counting. */
function unchanged(request: Request, kept: KeptBody): LimitedRequest {
  return { request, fault: () => null, kept: () => kept };
}

/** Replaces the body by a decoded stream that is counted while it is read. */
function countedRequest(
  request: Request,
  body: ReadableStream<Uint8Array>,
  endpoint: EndpointPlan,
): LimitedRequest {
  const first: Uint8Array[] = [];
  const reader = body.getReader();
  let seen = 0;
  let isRead = false;
  let fault: Problem | null = null;
  const counted = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read().catch((error: unknown) => {
          if (error instanceof ProblemError) fault = error.problem;
          throw error;
        });
        if (done) {
          isRead = true;
          controller.close();
          return;
        }
        const room = KEPT_BODY_BYTES - seen;
        // Copied, because the reader may transfer the chunk's buffer.
        if (room > 0) first.push(value.slice(0, room));
        seen += value.byteLength;
        if (seen <= endpoint.maxBodyBytes) {
          controller.enqueue(value);
          return;
        }
        fault = tooLarge(endpoint);
        await reader.cancel();
        throw new RangeError(`the body has more than ${endpoint.maxBodyBytes} bytes`);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  const headers = new Headers(request.headers);
  for (const name of TRANSFER_HEADERS) headers.delete(name);
  return {
    request: new Request(request, { headers, body: counted }),
    fault: () => fault,
    kept: () => ({
      bytes: joined([...first]),
      size: isRead ? seen : null,
      isWhole: isRead && seen <= KEPT_BODY_BYTES,
    }),
  };
}

const ENCODED_READ: Problem = {
  code: "unsupported_encoding",
  detail: "The body of a GET or HEAD is not decoded.",
  hint: "Send the data by POST, or without Content-Encoding.",
};
