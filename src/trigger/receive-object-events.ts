/** A request that brings object events: its body read, and the subscription of an SNS topic confirmed where it asks for that. */
import { ProblemError, type Problem } from "../core/result.ts";
import { findJsonFault } from "../payload/json-fault.ts";
import { parseObjectEvents } from "./object-events.ts";
import type { ObjectEventPayload } from "./r2-notification.ts";

const CONFIRM_TIMEOUT_MS = 10_000;

/** A request that its sender must correct: an endpoint that lets it through answers 400 with the problem. */
export class RequestProblemError extends ProblemError {}

/** The events in a request's body; see `objectEventsFrom`. Rejects with `RequestProblemError`, or if SNS cannot be reached. */
export async function receiveObjectEvents(request: Request): Promise<ObjectEventPayload[]> {
  const parsed = parseObjectEvents(parseJson(await request.text()));
  if (!parsed.ok) throw new RequestProblemError(parsed.problem);
  const { events, subscribeUrl } = parsed.value;
  if (subscribeUrl !== null) await confirm(subscribeUrl);
  return [...events];
}

/** A redirection would lead away from the host that was checked. SNS sends the confirmation again if this fails. */
async function confirm(url: URL): Promise<void> {
  const answer = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(CONFIRM_TIMEOUT_MS) });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`SNS answered the confirmation of its subscription with ${answer.status}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RequestProblemError(notJson(text));
  }
}

function notJson(text: string): Problem {
  const fault = text.trim() === "" ? { path: "$", message: "the body is empty" } : findJsonFault(text);
  return {
    code: "invalid_json",
    detail: `The body is not valid JSON: ${fault.message}.`,
    hint: "Send what AWS S3, SNS, EventBridge, MinIO or R2 sends, unchanged.",
    errors: [fault],
  };
}
