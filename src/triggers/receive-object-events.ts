/** Reads requests with object events, and confirms the subscription of an SNS topic. */
import { ProblemError } from "../domain/problem.ts";
import { parseSentJson } from "../payloads/sent-json.ts";
import { parseObjectEvents, UNCHANGED } from "./object-events.ts";
import type { ObjectEventPayload } from "./r2-notification.ts";

const CONFIRM_TIMEOUT_MS = 10_000;

/**
 * A request that its sender must correct. An endpoint that does not catch it answers 400 with the
 * problem.
 */
export class RequestProblemError extends ProblemError {}

/**
 * Parses the events in a request's body; see `objectEventsFrom`. Rejects with
 * `RequestProblemError`, or if SNS cannot be reached.
 */
export async function receiveObjectEvents(request: Request): Promise<ObjectEventPayload[]> {
  const body = parseSentJson(await request.text(), UNCHANGED);
  const parsed = body.ok ? parseObjectEvents(body.value) : body;
  if (!parsed.ok) throw new RequestProblemError(parsed.problem);
  return [...parsed.value];
}

/**
 * Confirms a subscription at an address of SNS. Redirects are not followed: they would leave the
 * checked host.
 */
export async function fetchConfirmation(url: URL): Promise<void> {
  const answer = await fetch(url, {
    redirect: "manual",
    signal: AbortSignal.timeout(CONFIRM_TIMEOUT_MS),
  });
  await answer.body?.cancel();
  if (!answer.ok)
    throw new Error(`SNS answered the confirmation of its subscription with ${answer.status}`);
}
