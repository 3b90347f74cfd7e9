/**
 * Calls an endpoint once for each signed delivery: the same again within a week gets the answer that was given, and starts nothing.
 *
 * It is known before the endpoint is called, and its answer is kept before it is given, so whoever has an answer can send it again as
 * often as it likes. An answer from 400 on is not kept: its sender may try again, and then the endpoint is called again. A worker that
 * dies meanwhile leaves a lease behind; until it ends the delivery is refused as under way.
 */
import type { Context } from "hono";
import { keepDeliveriesMs } from "../core/delivery.ts";
import type { EndpointPlan, Plan } from "../core/plan.ts";
import type { Problem } from "../core/result.ts";
import { type Begun, KEPT_ANSWER_BYTES, type KeptAnswer } from "../core/signed-delivery.ts";
import type { callSignedDeliveries } from "../deliveries/signed-client.ts";
import type { EndpointAnswer } from "./endpoint-call.ts";
import type { HttpEnv } from "./http-env.ts";
import { logFailure, problemResponse } from "./problem.ts";

/** So long a request waits for another one with the same bytes. Milliseconds. */
const WAIT_MS = 2_000;
/** Beyond what method and fallback may take. Milliseconds. */
const LEASE_MARGIN_MS = 30_000;

/** What says that an answer is that of an earlier request, as Stripe says it. */
const REPLAYED_HEADER = "Idempotent-Replayed";

export interface OnceAnswer extends EndpointAnswer {
  /** The endpoint was not called for this request. */
  readonly isRefused: boolean;
}

/** Resolves always, with an answer for the sender. */
export type AnswerOnce = (
  c: Context<HttpEnv>,
  endpoint: EndpointPlan,
  digest: string,
  answer: () => Promise<EndpointAnswer>,
) => Promise<OnceAnswer>;

/** What answers each delivery once, for this plan. */
export function createAnswerOnce(plan: Plan, call: typeof callSignedDeliveries): AnswerOnce {
  return async function answerOnce(c, endpoint, digest, answer) {
    const token = crypto.randomUUID();
    const leaseMs = 2 * endpoint.timeoutMs + LEASE_MARGIN_MS;
    let begun: Begun;
    try {
      begun = await call(c.env, endpoint.name, digest, (signed) => signed.begin(digest, token, leaseMs, WAIT_MS));
    } catch (error) {
      logFailure(c, `endpoint "${endpoint.name}": whether the delivery is known could not be asked`, error);
      return refused(c, UNKNOWN);
    }
    if (begun.type === "under_way") return refused(c, UNDER_WAY);
    if (begun.type === "answered") {
      return { response: responseOf(begun.answer), reason: "delivery_repeated", runs: [], isRefused: true };
    }
    const given = await answer();
    const isFinal = given.response.status < 400;
    const { response, content } = isFinal
      ? await readShort(given.response)
      : { response: given.response, content: null };
    // A connection that was upgraded cannot be answered again.
    const status = Math.max(response.status, 200);
    await call(c.env, endpoint.name, digest, (signed) =>
      isFinal
        ? signed.finish(digest, token, { status, content }, keepDeliveriesMs(plan))
        : signed.forget(digest, token),
    ).catch((error: unknown) => logFailure(c, `endpoint "${endpoint.name}": its answer could not be kept`, error));
    return { ...given, response, isRefused: false };
  };
}

function refused(c: Context<HttpEnv>, problem: Problem): OnceAnswer {
  return { response: problemResponse(c, problem), reason: problem.code, runs: [], isRefused: true };
}

function responseOf({ status, content }: KeptAnswer): Response {
  const headers = new Headers({ [REPLAYED_HEADER]: "true" });
  const { type = null, text = "" } = content ?? {};
  if (type !== null) headers.set("Content-Type", type);
  return new Response(text === "" ? null : text, { status, headers });
}

/** The response with its body still to be read, and what of it is kept: a text that is short. An event stream is none. */
async function readShort(response: Response): Promise<{ response: Response; content: KeptAnswer["content"] }> {
  const type = response.headers.get("Content-Type");
  if (response.body === null) return { response, content: { type, text: "" } };
  const isLong = Number(response.headers.get("Content-Length") ?? 0) > KEPT_ANSWER_BYTES;
  if (isLong || type?.startsWith("text/event-stream") === true) return { response, content: null };
  const reader = response.body.getReader();
  const read: Uint8Array[] = [];
  let size = 0;
  while (size <= KEPT_ANSWER_BYTES) {
    const { done, value } = await reader.read();
    if (done) {
      const bytes = new Uint8Array(await new Blob(read).arrayBuffer());
      const text = textOf(bytes);
      return { response: new Response(bytes, response), content: text === null ? null : { type, text } };
    }
    read.push(value);
    size += value.byteLength;
  }
  return { response: new Response(followed(read, reader), response), content: null };
}

/** The chunks, and then what the reader has still. */
function followed(chunks: readonly Uint8Array[], reader: ReadableStreamDefaultReader<Uint8Array>): ReadableStream {
  const waiting = chunks.values();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = waiting.next();
      const { done, value } = next.done === true ? await reader.read() : { done: false, value: next.value };
      if (done || value === undefined) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

const UNDER_WAY: Problem = {
  code: "delivery_repeated",
  detail: "The same delivery is being answered, for another request.",
  hint: "Wait for that answer, or send it again in a moment: it is answered once.",
  retryAfterSeconds: 5,
};

const UNKNOWN: Problem = {
  code: "unavailable",
  detail: "Whether the delivery was sent before could not be found out.",
  hint: "Send it again in a moment.",
};
