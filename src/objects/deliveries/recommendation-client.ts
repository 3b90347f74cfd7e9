/**
 * Client of the objects that keep the counts of recommendation endpoints, one object per endpoint.
 *
 * A request must not cost a call of an object. Counts are gathered in the isolate and sent together,
 * `SENT_EVERY_MS` after the first of them, beyond the answer. An isolate that dies loses what it
 * gathered since: at most that many seconds of counts. No answer and no click ever waits for it.
 */
import {
  addCounts,
  type ComponentCounts,
  countsOfServing,
  type Serving,
} from "../../domain/recommendations/statistics.ts";
import { callWithRetries } from "../../platform/calls.ts";
import type { Lifetime } from "../../platform/lifetime.ts";
import { log } from "../../platform/log.ts";
import type { NamedCounts, RecommendationsRpc } from "./recommendation-rpc.ts";

/** How long counts are gathered. */
const SENT_EVERY_MS = 5_000;
/** Time after which another invocation sends, if the one that was to send has died. */
const GRACE_MS = 5_000;

/** Counts that are not sent yet, by endpoint and component. */
const gathered = new Map<string, Map<string, ComponentCounts>>();
/** Time by which an invocation sends the counts; 0 if none is about to. */
let sentBy = 0;

/** Adds counts of a component. Returns at once. */
export function countRecommendation(
  env: Env,
  lifetime: Lifetime,
  endpoint: string,
  component: string,
  counts: ComponentCounts,
): void {
  const ofEndpoint = gathered.get(endpoint) ?? new Map<string, ComponentCounts>();
  gathered.set(endpoint, ofEndpoint);
  ofEndpoint.set(component, addCounts(ofEndpoint.get(component), counts));
  const now = Date.now();
  if (now < sentBy) return;
  sentBy = now + SENT_EVERY_MS + GRACE_MS;
  lifetime.waitUntil(sendLater(env));
}

/** Counts an answered request. Returns at once. */
export function countServing(
  env: Env,
  lifetime: Lifetime,
  endpoint: string,
  component: string,
  serving: Serving,
): void {
  countRecommendation(env, lifetime, endpoint, component, countsOfServing(serving));
}

/** Calls the object of this endpoint, with bounded retries. Rejects when all tries fail. */
export async function callRecommendations<T>(
  env: Env,
  endpoint: string,
  call: (recommendations: RecommendationsRpc) => Promise<T>,
): Promise<T> {
  return callWithRetries("the object of the recommendations", () =>
    call(env.DELIVERIES.getByName(`${endpoint}/recommendations`)),
  );
}

async function sendLater(env: Env): Promise<void> {
  await scheduler.wait(SENT_EVERY_MS);
  sentBy = 0;
  const batches = Array.from(gathered);
  gathered.clear();
  await Promise.all(batches.map(([endpoint, counts]) => send(env, endpoint, counts)));
}

/** Sends the counts of an endpoint. Counts that cannot be sent are lost, and the log says so. */
async function send(
  env: Env,
  endpoint: string,
  counts: ReadonlyMap<string, ComponentCounts>,
): Promise<void> {
  const batch = crypto.randomUUID();
  const named = Array.from(counts, ([component, one]): NamedCounts => ({ component, ...one }));
  try {
    await callRecommendations(env, endpoint, (object) => object.addCounts(batch, named));
  } catch (error) {
    log("warn", "counts of recommendations are lost", { endpoint, error });
  }
}
