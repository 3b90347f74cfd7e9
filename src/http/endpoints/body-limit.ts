/**
 * Holds a request's body to the endpoint's `max_body`, and decodes it: by its declared length at once, and a chunked or compressed one
 * while it is read, by what it comes to. Reading beyond the limit fails, and `fault` tells afterwards why.
 *
 * And keeps the beginning of it for the inspector, at no cost to the endpoint: a small body is read here, of a chunked one the first
 * bytes are noted as they pass. A large one of known length stays the runtime's own stream (R2 needs that), and nothing is kept.
 */
import { KEPT_BODY_BYTES, type KeptBody } from "../../domain/delivery.ts";
import type { EndpointPlan } from "../../domain/plan/plan.ts";
import { ok, ProblemError, refuse, type Problem, type Result } from "../../domain/problem.ts";
import { collect, joined } from "../../payloads/chunks.ts";
import { contentEncodingOf, decodeBody } from "../../payloads/content-encoding.ts";
import { declaredLength, openBody } from "../bounded-body.ts";

export interface LimitedRequest {
  readonly request: Request;
  /** Why the body could not be read to its end: it is too large, or not what its encoding says. Null as long as nobody has met that. */
  fault(): Problem | null;
  /** The body as far as it was read by now. */
  kept(): KeptBody;
}

const NOTHING = new Uint8Array(0);
/** What describes the bytes on their way, and not what they are decoded to. */
const TRANSFER_HEADERS = ["Content-Encoding", "Content-Length"] as const;

/** Why the body is refused before a byte of it is read, by its headers alone; null: it may be read. */
export function refuseByHeaders(request: Request, endpoint: EndpointPlan): Problem | null {
  if ((declaredLength(request) ?? 0) > endpoint.maxBodyBytes) return tooLarge(endpoint);
  const encoding = contentEncodingOf(request.headers);
  if (!encoding.ok) return encoding.problem;
  return encoding.value !== null && request.body !== null && !canCarry(request)
    ? ENCODED_READ
    : null;
}

/** A request that `refuseByHeaders` has let pass. Refuses a body that was read meanwhile and has more than `max_body`. */
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

/** The same with its whole body held, each chunk shown to `seen` as it was sent. Refuses a body that has more than `max_body`. */
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

/** A request whose whole body is there. */
export function bufferedRequest(request: Request, body: Uint8Array): LimitedRequest {
  return unchanged(canCarry(request) ? new Request(request, { body }) : request, keptOf(body));
}

/** Whether a request like this one can be made with a body. The platform takes a GET that has one, but makes none. */
export function canCarry({ method, body }: Request): boolean {
  return body !== null && method !== "GET" && method !== "HEAD";
}

/** Reads of a request that is refused what the inspector keeps of it, and no more; nothing of one that would have to be decoded. */
export async function keepBeginning(request: Request): Promise<KeptBody> {
  if (request.body === null) return keptOf(NOTHING);
  const isLarge = (declaredLength(request) ?? 0) > KEPT_BODY_BYTES;
  if (isLarge || request.headers.has("Content-Encoding")) return unkeptBody(request);
  const body = await collect(request.body, KEPT_BODY_BYTES, declaredLength(request));
  if (body === null) return unkeptBody(request);
  return canCarry(request) ? keptOf(body) : keptUnrepeatable(body);
}

/** What is kept of a body that nobody has looked at. */
export function unkeptBody(request: Request): KeptBody {
  return { bytes: NOTHING, size: declaredLength(request), isWhole: false };
}

/** The refusal of a body beyond `max_body`. */
function tooLarge(endpoint: EndpointPlan): Problem {
  return {
    code: "payload_too_large",
    detail: `The endpoint "${endpoint.name}" takes bodies of at most ${endpoint.maxBodyBytes} bytes.`,
    hint: "Send less, or upload the data and send its address; `max_body` in peach.conf sets the limit.",
  };
}

function keptOf(body: Uint8Array): KeptBody {
  const { byteLength: size } = body;
  return { bytes: body.slice(0, KEPT_BODY_BYTES), size, isWhole: size <= KEPT_BODY_BYTES };
}

/** Of a GET with a body: such a request cannot be made again. */
function keptUnrepeatable(body: Uint8Array): KeptBody {
  return { ...keptOf(body), isWhole: body.byteLength === 0 };
}

function unchanged(request: Request, kept: KeptBody): LimitedRequest {
  return { request, fault: () => null, kept: () => kept };
}

/** The request with this body in place of its own, decoded. */
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
        // A copy: the reader may give the chunk's buffer away.
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
