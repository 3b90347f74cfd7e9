/**
 * CloudEvents 1.0 over HTTP (https://github.com/cloudevents/spec, HTTP protocol binding): structured, the whole event as one JSON
 * document, and binary, its attributes in `ce-` headers and its data as the body. A body that is no CloudEvent is a payload as it is.
 */
import { z } from "zod";
import { ok, refuse, type Problem, type Result } from "../core/result.ts";
import { checkNow } from "../payload/checked.ts";
import { decodePayload, encodePayload, type EncodedPayload } from "../payload/codec.ts";
import { isMediaType } from "../payload/media-type.ts";
import { listedPlaces, type WrongPlace, wrongPlaces } from "../payload/misfit.ts";
import { encodeRequestBody, type IncomingBody } from "../payload/request-body.ts";

/** An event as it came in: its payload, and the key by which its sender tells it from others, if it does. */
export interface IncomingEvent {
  readonly payload: EncodedPayload;
  readonly key: string | null;
}

const STRUCTURED = /^\s*application\/cloudevents(\+[\w.-]+)?\s*(;|$)/i;
const BATCH = /^\s*application\/cloudevents-batch/i;
/** Any of them makes a request a CloudEvent in binary form; all must be there. */
const REQUIRED = ["specversion", "id", "source", "type"] as const;

const attribute = z.string({ error: "expected a text" }).min(1, { error: "expected a text that is not empty" });
const attributes = z.object({
  specversion: z.literal("1.0", { error: 'expected "1.0"' }),
  id: attribute,
  source: attribute,
  type: attribute,
  datacontenttype: attribute
    .refine((text) => isMediaType(text), { error: "expected a media type, such as text/plain" })
    .optional(),
});
const structured = attributes
  .extend({ data: z.unknown().optional(), data_base64: z.base64({ error: "expected base64" }).optional() })
  .refine((event) => event.data === undefined || event.data_base64 === undefined, {
    path: ["data_base64"],
    message: "expected data or data_base64, not both",
  });

/** Reads the body of a request as an event. Refuses as `encodeRequestBody` does, and with `invalid_payload` naming each wrong place. */
export async function readEvent(
  headers: Headers,
  incoming: IncomingBody,
  maxBytes: number,
): Promise<Result<IncomingEvent>> {
  const type = incoming.contentType ?? "";
  if (BATCH.test(type)) return refuse(unreadable(`A batch of CloudEvents (${type}) is not taken.`));
  if (STRUCTURED.test(type)) return readStructured(type, incoming, maxBytes);
  if (REQUIRED.some((name) => headers.has(`ce-${name}`))) return readBinary(headers, incoming, maxBytes);
  const payload = await encodeRequestBody(incoming, maxBytes);
  return payload.ok ? ok({ payload: payload.value, key: null }) : payload;
}

async function readStructured(type: string, incoming: IncomingBody, maxBytes: number): Promise<Result<IncomingEvent>> {
  if (!/^\s*application\/cloudevents\+json/i.test(type))
    return refuse(unreadable(`CloudEvents as ${type} are not taken.`));
  const body = await encodeRequestBody(incoming, maxBytes);
  if (!body.ok) return body;
  const { body: bytes } = body.value;
  if (bytes instanceof ReadableStream) throw new Error("a JSON body is held, never streamed");
  const checked = checkNow(structured, decodePayload({ ...body.value, size: bytes.length }, bytes));
  if (!checked.ok) return refuse(malformed(wrongPlaces(checked.issues)));
  const { data, data_base64: base64, datacontenttype = "application/json" } = checked.value;
  const payload =
    base64 === undefined
      ? encodePayload(data)
      : await encodeRequestBody(
          { contentType: datacontenttype, contentLength: null, body: Uint8Array.fromBase64(base64) },
          maxBytes,
        );
  return payload.ok ? ok({ payload: payload.value, key: keyOf(checked.value) }) : payload;
}

async function readBinary(headers: Headers, incoming: IncomingBody, maxBytes: number): Promise<Result<IncomingEvent>> {
  const given = Object.fromEntries(REQUIRED.map((name) => [name, decoded(headers.get(`ce-${name}`))]));
  const parsed = attributes.safeParse(given);
  if (!parsed.success) {
    return refuse(
      malformed(parsed.error.issues.map(({ path, message }) => ({ path: `ce-${path.join(".")}`, message }))),
    );
  }
  const payload = await encodeRequestBody(incoming, maxBytes);
  return payload.ok ? ok({ payload: payload.value, key: keyOf(parsed.data) }) : payload;
}

/** The specification has senders percent-encode what a header cannot hold. Undefined where there is no header. */
function decoded(value: string | null): string | undefined {
  if (value === null) return undefined;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** `source` and `id` together are unique for each event, says the specification. */
function keyOf({ source, id }: { readonly source: string; readonly id: string }): string {
  return `cloudevent:${JSON.stringify([source, id])}`;
}

function malformed(errors: readonly WrongPlace[]): Problem {
  return {
    code: "invalid_payload",
    detail: `The body is no CloudEvent 1.0: ${listedPlaces(errors)}.`,
    hint: "A CloudEvent has specversion 1.0, id, source and type, in its JSON or in ce- headers, and data or data_base64. To send a plain payload, leave these headers and that content type away.",
    errors,
  };
}

function unreadable(detail: string): Problem {
  return {
    code: "invalid_request",
    detail,
    hint: "Send one event a request: as application/cloudevents+json, or with ce- headers and the data as the body.",
  };
}
