/** A request that brings object events: its body read. And how the subscription of an SNS topic is confirmed. */
import { ProblemError } from "../domain/problem.ts";
import { parseSentJson } from "../payloads/sent-json.ts";
import { parseObjectEvents, UNCHANGED } from "./object-events.ts";
import type { ObjectEventPayload } from "./r2-notification.ts";

const CONFIRM_TIMEOUT_MS = 10_000;

/** A request that its sender must correct: an endpoint that lets it through answers 400 with the problem. */
export class RequestProblemError extends ProblemError {}

/** The events in a request's body; see `objectEventsFrom`. Rejects with `RequestProblemError`, or if SNS cannot be reached. */
export async function receiveObjectEvents(request: Request): Promise<ObjectEventPayload[]> {
  const body = parseSentJson(await request.text(), UNCHANGED);
  const parsed = body.ok ? parseObjectEvents(body.value) : body;
  if (!parsed.ok) throw new RequestProblemError(parsed.problem);
  return [...parsed.value];
}

/** Confirms a subscription at an address of SNS. A redirection would lead away from the host that was checked. */
export async function fetchConfirmation(url: URL): Promise<void> {
  const answer = await fetch(url, {
    redirect: "manual",
    signal: AbortSignal.timeout(CONFIRM_TIMEOUT_MS),
  });
  await answer.body?.cancel();
  if (!answer.ok)
    throw new Error(`SNS answered the confirmation of its subscription with ${answer.status}`);
}
