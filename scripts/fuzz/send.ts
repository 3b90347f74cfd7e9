/** Sends generated requests to a deployment. */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";
import type { FuzzedAnswer } from "./fault.ts";
import type { FuzzedRequest } from "./fuzzed-request.ts";

const ANSWER_LIMIT_MS = 60_000;
const SHOWN_CHARACTERS = 200_000;

/**
 * Sends a request and reads the answer's body. For an event stream or a WebSocket, waits only for
 * the start.
 */
export async function send(url: string, request: FuzzedRequest): Promise<FuzzedAnswer> {
  if ("Upgrade" in request.headers) return upgrade(url, request);
  const { method, path, headers, body } = request;
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), ANSWER_LIMIT_MS);
  try {
    const response = await fetch(url + path, {
      method,
      headers,
      body,
      signal: limit.signal,
      redirect: "manual",
    });
    const contentType = response.headers.get("Content-Type") ?? "";
    // A stream of events ends with its run.
    const isStream = contentType.startsWith("text/event-stream");
    const bytes = isStream ? new Uint8Array(0) : new Uint8Array(await response.arrayBuffer());
    return answerOf(response.status, contentType, bytes);
  } finally {
    clearTimeout(timer);
    limit.abort();
  }
}

/** Requests an upgrade, which `fetch` cannot do. */
async function upgrade(
  url: string,
  { method, path, headers }: FuzzedRequest,
): Promise<FuzzedAnswer> {
  const answered = Promise.withResolvers<IncomingMessage>();
  const sent = httpRequest(url + path, { method, headers, timeout: ANSWER_LIMIT_MS })
    .on("upgrade", (response, socket) => {
      socket.destroy();
      answered.resolve(response);
    })
    .on("response", answered.resolve)
    .on("timeout", () => answered.reject(new Error("it was not answered in time")))
    .on("error", answered.reject)
    .end();
  const response = await answered.promise;
  const contentType = response.headers["content-type"] ?? "";
  const { statusCode: status = 0 } = response;
  const isStream = status === 101 || contentType.startsWith("text/event-stream");
  const bytes = isStream ? new Uint8Array(0) : await buffer(response);
  sent.destroy();
  return answerOf(status, contentType, bytes);
}

function answerOf(status: number, contentType: string, body: Uint8Array): FuzzedAnswer {
  const text = new TextDecoder().decode(body.subarray(0, SHOWN_CHARACTERS));
  return { status, contentType, text, bytes: body.byteLength };
}
