/**
 * Calls an endpoint once for each signed delivery. A redelivery within a week gets the stored
 * answer and starts nothing.
 *
 * The order of writes:
 * - A lease is stored before the endpoint is called. A redelivery meanwhile is told to come again:
 *   nobody knows yet whether the first one is accepted. If the worker dies, the lease expires.
 * - The answer is stored before it is sent, so a sender that has an answer may redeliver at will.
 * - An answer from status 400 on is not stored. Its sender may retry, and the endpoint is called
 *   again.
 */
import type { Context } from "hono";
import { keepDeliveriesMs } from "../../domain/delivery.ts";
import type { EndpointPlan, Plan } from "../../domain/plan/plan.ts";
import type { Problem } from "../../domain/problem.ts";
import { type Begun, KEPT_ANSWER_BYTES, type KeptAnswer } from "../../domain/signed-delivery.ts";
import type { callSignedDeliveries } from "../../objects/deliveries/signed-client.ts";
import { joined } from "../../payloads/chunks.ts";
import { utf8Text } from "../../payloads/utf8.ts";
import { type EndpointAnswer, endpointFailed } from "./endpoint-call.ts";
import type { HttpEnv } from "../http-env.ts";
import { logFailure, problemResponse } from "../problem.ts";

/** Wait of a request for a concurrent one with the same bytes. */
const WAIT_MS = 2_000;
/** Wait for the body of an answer; a slower body is sent unstored. */
const BODY_WAIT_MS = 500;
/** Added to the timeouts of method and fallback. */
const LEASE_MARGIN_MS = 30_000;

/** Header of a stored answer; Stripe uses the same name. */
const REPLAYED_HEADER = "Idempotent-Replayed";

/** An answer, and whether this request produced it. */
export interface OnceAnswer extends EndpointAnswer {
  /** True if the endpoint was not called for this request. */
  readonly isRefused: boolean;
}

/** Answers a signed delivery. Never rejects: failures become an answer for the sender. */
export type AnswerOnce = (
  c: Context<HttpEnv>,
  endpoint: EndpointPlan,
  digest: string,
  answer: () => Promise<EndpointAnswer>,
) => Promise<OnceAnswer>;

/** Creates the function that answers each delivery of this plan once. */
export function createAnswerOnce(plan: Plan, call: typeof callSignedDeliveries): AnswerOnce {
  return async function answerOnce(c, endpoint, digest, answer) {
    const token = crypto.randomUUID();
    const leaseMs = 2 * endpoint.timeoutMs + LEASE_MARGIN_MS;
    let begun: Begun;
    try {
      begun = await call(c.env, endpoint.name, digest, (signed) =>
        signed.begin(digest, token, leaseMs, WAIT_MS),
      );
    } catch (error) {
      logFailure(
        c,
        `endpoint "${endpoint.name}": whether the delivery is known could not be asked`,
        error,
      );
      return refused(c, UNKNOWN);
    }
    if (begun.type === "under_way") return refused(c, UNDER_WAY);
    if (begun.type === "answered") {
      return {
        response: responseOf(begun.answer),
        reason: "delivery_repeated",
        runs: [],
        isRefused: true,
      };
    }
    const { given, kept } = await captureAnswer(c, endpoint, await answer());
    await call(c.env, endpoint.name, digest, (signed) =>
      kept === null
        ? signed.forget(digest, token)
        : signed.finish(digest, token, kept, keepDeliveriesMs(plan)),
    ).catch((error: unknown) =>
      logFailure(c, `endpoint "${endpoint.name}": its answer could not be kept`, error),
    );
    return { ...given, isRefused: false };
  };
}

/**
 * Captures what is stored of an answer, and returns the answer with its body unread. `kept` is null
 * if the sender may retry.
 */
async function captureAnswer(
  c: Context<HttpEnv>,
  endpoint: EndpointPlan,
  given: EndpointAnswer,
): Promise<{ readonly given: EndpointAnswer; readonly kept: KeptAnswer | null }> {
  if (given.response.status >= 400) return { given, kept: null };
  try {
    const { response, content } = await captureBody(given.response);
    // Status 101 of a WebSocket cannot be repeated: a redelivery gets 200.
    return {
      given: { ...given, response },
      kept: { status: Math.max(response.status, 200), content },
    };
  } catch (error) {
    logFailure(c, `endpoint "${endpoint.name}" failed while its answer was read`, error);
    const problem = endpointFailed(endpoint);
    return {
      given: { ...given, response: problemResponse(c, problem), reason: problem.code },
      kept: null,
    };
  }
}

function refused(c: Context<HttpEnv>, problem: Problem): OnceAnswer {
  return { response: problemResponse(c, problem), reason: problem.code, runs: [], isRefused: true };
}

/** Rebuilds a stored answer as a response. */
function responseOf({ status, content }: KeptAnswer): Response {
  const headers = new Headers({ [REPLAYED_HEADER]: "true" });
  const { type = null, text = "" } = content ?? {};
  if (type !== null) headers.set("Content-Type", type);
  return new Response(text === "" ? null : text, { status, headers });
}

/**
 * Captures a short text body, and returns the response with its body unread. Stores no body that is
 * long, slow (`BODY_WAIT_MS`) or an event stream. Rejects if the body breaks off before that is
 * decided.
 */
async function captureBody(
  response: Response,
): Promise<{ response: Response; content: KeptAnswer["content"] }> {
  const type = response.headers.get("Content-Type");
  if (response.body === null) return { response, content: { type, text: "" } };
  const isLong = Number(response.headers.get("Content-Length") ?? 0) > KEPT_ANSWER_BYTES;
  if (isLong || type?.startsWith("text/event-stream") === true) return { response, content: null };
  const reader = response.body.getReader();
  const read: Uint8Array[] = [];
  let size = 0;
  const { promise: overdue, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), BODY_WAIT_MS);
  try {
    for (;;) {
      const reading = reader.read();
      const next = await Promise.race([reading, overdue]);
      if (next === null)
        return {
          response: new Response(remainingBody(read, reader, reading), response),
          content: null,
        };
      if (next.done) {
        const bytes = joined(read);
        const text = utf8Text(bytes);
        return {
          response: new Response(bytes, response),
          content: text === null ? null : { type, text },
        };
      }
      read.push(next.value);
      size += next.value.byteLength;
      if (size > KEPT_ANSWER_BYTES)
        return {
          response: new Response(remainingBody(read, reader, null), response),
          content: null,
        };
    }
  } finally {
    clearTimeout(timer);
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/**
 * Streams the chunks that were read, then the rest of the reader. `begun` is a read that is already
 * pending: the runtime allows one at a time.
 */
function remainingBody(
  chunks: readonly Uint8Array[],
  reader: Reader,
  begun: ReturnType<Reader["read"]> | null,
): ReadableStream {
  const waiting = chunks.values();
  let reading = begun;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = waiting.next();
      if (next.done !== true) {
        controller.enqueue(next.value);
        return;
      }
      const { done, value } = await (reading ?? reader.read());
      reading = null;
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/**
 * Answered while another request with the same bytes has the lease. Its worker may have died before
 * it accepted anything, so the sender has to try again: 503, as some senders (Amazon SNS) give a
 * delivery up after any other 4xx than 429.
 */
const UNDER_WAY: Problem = {
  code: "unavailable",
  detail: "Another request with the same delivery has not been answered yet.",
  hint: "Send it again in a moment: it is answered once.",
  retryAfterSeconds: 5,
};

/**
 * Answered if the deliveries object is unreachable. Without it a redelivery cannot be recognized,
 * so the endpoint is not called.
 */
const UNKNOWN: Problem = {
  code: "unavailable",
  detail: "Whether the delivery was sent before could not be found out.",
  hint: "Send it again in a moment.",
};
