/**
 * Reads CloudEvents 1.0 (https://github.com/cloudevents/spec, HTTP protocol binding) in all modes:
 *
 * - structured: the event is one JSON document.
 * - batched: the body is a list of such documents.
 * - binary: attributes are `ce-` headers, and the data is the body.
 *
 * An event has the same key and the same payload in each mode. A body without any sign of a
 * CloudEvent is a plain payload.
 */
import * as z from "zod";
import { type Problem, type Result, ok, refuse } from "../../domain/problem.ts";
import type { EventAttributes } from "../../domain/trigger.ts";
import { checkNow } from "../../payloads/checked.ts";
import { type EncodedPayload, encodePayload, valueOf } from "../../payloads/codec.ts";
import { isJsonType, isMediaType } from "../../payloads/media-type.ts";
import { type WrongPlace, listedPlaces, wrongPlaces } from "../../payloads/misfit.ts";
import { type IncomingBody, encodeRequestBody, unlessEmpty } from "../../payloads/request-body.ts";

/** An incoming event. `key` and `event` are null for a plain payload. */
export interface IncomingEvent {
  readonly payload: EncodedPayload;
  readonly key: string | null;
  readonly event: EventAttributes | null;
}

/** Events in one batch. */
const MOST_EVENTS = 1_000;

const STRUCTURED = /^\s*application\/cloudevents(\+[\w.-]+)?\s*(;|$)/i;
const BATCH = /^\s*application\/cloudevents-batch/i;
/**
 * Required attributes. Any one of these headers marks a request as binary mode; then all are
 * required.
 */
const REQUIRED = ["specversion", "id", "source", "type"] as const;
const OPTIONAL = ["subject", "time"] as const;
/** Length of an attribute, in characters. */
const LONGEST_ATTRIBUTE = 1_024;
/** Characters of a URI (RFC 3986). */
const URI = /^[\w\-.~:/?#[\]@!$&'()*+,;=%]*$/;

const attribute = z
  .string({ error: "expected a text" })
  .min(1, { error: "expected a text that is not empty" })
  .max(LONGEST_ATTRIBUTE, { error: `expected at most ${LONGEST_ATTRIBUTE} characters` });
const attributes = z.object({
  specversion: z.literal("1.0", { error: 'expected "1.0"' }),
  id: attribute,
  source: attribute,
  type: attribute,
  subject: attribute.optional(),
  time: z.iso
    .datetime({ offset: true, error: "expected a time such as 2027-01-01T00:00:00Z" })
    .optional(),
  datacontenttype: attribute
    .refine((text) => isMediaType(text), { error: "expected a media type, such as text/plain" })
    .optional(),
});
/**
 * A structured event. Attributes that are null count as absent, by the JSON format of the
 * specification.
 */
const structured = z.preprocess(
  withoutNulls,
  attributes
    .extend({
      data: z.unknown().optional(),
      data_base64: z.base64({ error: "expected base64" }).optional(),
    })
    .refine((event) => event.data === undefined || event.data_base64 === undefined, {
      path: ["data_base64"],
      message: "expected data or data_base64, not both",
    }),
);
const batched = z.array(structured, { error: "expected a list of CloudEvents" }).max(MOST_EVENTS, {
  error: `expected at most ${MOST_EVENTS} events`,
});
type Attributes = z.infer<typeof attributes>;

/**
 * Reads the events of a body. Refuses as `encodeRequestBody` does, or with `invalid_payload` and
 * each wrong place.
 */
export async function readEvents(
  headers: Headers,
  incoming: IncomingBody,
  maxBytes: number,
): Promise<Result<readonly IncomingEvent[]>> {
  const type = incoming.contentType ?? "";
  if (BATCH.test(type) || STRUCTURED.test(type)) return readStructured(type, incoming, maxBytes);
  const isBinary = REQUIRED.some((name) => headers.has(`ce-${name}`));
  const event = isBinary
    ? await readBinary(headers, incoming, maxBytes)
    : eventOf(null, await encodeRequestBody(incoming, maxBytes));
  return event.ok ? ok([event.value]) : event;
}

/** Reads one event in JSON, or a batch of them. */
async function readStructured(
  type: string,
  incoming: IncomingBody,
  maxBytes: number,
): Promise<Result<readonly IncomingEvent[]>> {
  if (!/^\s*application\/cloudevents(-batch)?\+json/i.test(type)) return refuse(unreadable(type));
  const body = await encodeRequestBody({ ...incoming, contentType: "application/json" }, maxBytes);
  if (!body.ok) return body;
  const { body: bytes } = body.value;
  if (bytes instanceof ReadableStream) throw new Error("a JSON body is held, never streamed");
  const value = valueOf({ ...body.value, size: bytes.length, body: bytes });
  const isBatch = BATCH.test(type);
  const checked = checkNow(batched, isBatch ? value : [value]);
  if (!checked.ok)
    return refuse(malformed(wrongPlaces(isBatch ? checked.issues : checked.issues.map(ofTheOne))));
  const events: IncomingEvent[] = [];
  for (const event of checked.value) {
    const read = eventOf(event, await payloadOf(event, maxBytes));
    if (!read.ok) return read;
    events.push(read.value);
  }
  return ok(events);
}

/** Encodes the data as binary mode would send it: the same bytes under the same content type. */
async function payloadOf(
  event: z.infer<typeof structured>,
  maxBytes: number,
): Promise<Result<EncodedPayload>> {
  const { data, data_base64: base64, datacontenttype: contentType = "application/json" } = event;
  const sent = (body: Uint8Array): Promise<Result<EncodedPayload>> =>
    encodeRequestBody({ contentType, contentLength: null, body }, maxBytes);
  if (base64 !== undefined) return sent(Uint8Array.fromBase64(base64));
  if (data === undefined) return encodePayload(null);
  if (isJsonType(contentType)) return sent(new TextEncoder().encode(JSON.stringify(data)));
  return typeof data === "string" ? sent(new TextEncoder().encode(data)) : encodePayload(data);
}

/** Reads attributes from headers, and the data from the body. */
async function readBinary(
  headers: Headers,
  incoming: IncomingBody,
  maxBytes: number,
): Promise<Result<IncomingEvent>> {
  const given = Object.fromEntries(
    [...REQUIRED, ...OPTIONAL].map((name) => [name, decoded(name, headers.get(`ce-${name}`))]),
  );
  const parsed = attributes.safeParse(given);
  if (!parsed.success) {
    return refuse(
      malformed(
        parsed.error.issues.map(({ path, message }) => ({ path: `ce-${path.join(".")}`, message })),
      ),
    );
  }
  if (!isJsonType(incoming.contentType ?? ""))
    return eventOf(parsed.data, await encodeRequestBody(incoming, maxBytes));
  // Some SDKs announce a JSON content type for an event without data, whose body is empty.
  const body =
    incoming.body instanceof ReadableStream ? await unlessEmpty(incoming.body) : incoming.body;
  const payload =
    body === null ? encodePayload(null) : await encodeRequestBody({ ...incoming, body }, maxBytes);
  return eventOf(parsed.data, payload);
}

/** Combines attributes and payload; null attributes make a plain payload. */
function eventOf(from: Attributes | null, payload: Result<EncodedPayload>): Result<IncomingEvent> {
  if (!payload.ok) return payload;
  if (from === null) return ok({ payload: payload.value, key: null, event: null });
  const { id, source, type, subject = null, time = null } = from;
  return ok({
    payload: payload.value,
    key: keyOf(from),
    event: { id, source, type, subject, time },
  });
}

/**
 * Decodes the value of a header; undefined if the header is absent. The specification requires
 * percent-encoding, but the SDKs do not encode. A source must be a URI: if the decoded text is
 * none, the sender had not encoded it.
 */
function decoded(name: string, value: string | null): string | undefined {
  if (value === null) return undefined;
  const text = decodedOnce(value);
  return name === "source" && !URI.test(text) ? value : text;
}

function decodedOnce(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Derives the key. The specification demands that `source` and `id` together are unique. The source
 * is decoded up to twice, because one SDK encodes it once more than another.
 */
function keyOf({ source, id }: Attributes): string {
  return `cloudevent:${JSON.stringify([decodedOnce(decodedOnce(source)), id])}`;
}

/** Removes attributes with null, which a sender may give for absent ones. */
function withoutNulls(event: unknown): unknown {
  if (typeof event !== "object" || event === null || Array.isArray(event)) return event;
  return Object.fromEntries(
    Object.entries(event).filter(([name, value]) => value !== null || name === "data"),
  );
}

/** Moves an issue from the list of one event to the event itself. */
function ofTheOne(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  return { ...issue, path: issue.path.slice(1) };
}

/** Refuses an event with wrong attributes. */
function malformed(errors: readonly WrongPlace[]): Problem {
  return {
    code: "invalid_payload",
    detail: `The body is no CloudEvent 1.0: ${listedPlaces(errors)}.`,
    hint: "A CloudEvent has specversion 1.0, id, source and type, in its JSON or in ce- headers, and data or data_base64. To send a plain payload, leave these headers and that content type away.",
    errors,
  };
}

/** Refuses content that is no event. */
function unreadable(type: string): Problem {
  return {
    code: "invalid_request",
    detail: `CloudEvents as ${type} are not taken.`,
    hint: "Send them as application/cloudevents+json, application/cloudevents-batch+json, or with ce- headers and the data as the body.",
  };
}
