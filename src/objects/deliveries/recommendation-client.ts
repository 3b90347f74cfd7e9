/**
 * Client of the objects that keep the counts of recommendation endpoints, one object per endpoint.
 *
 * A request must not cost a call of an object. The isolate gathers counts and sends them together,
 * `SENT_EVERY_MS` after the first count, beyond the answer. A dead isolate loses the gathered
 * counts: seconds at most. No answer and no click waits for the object.
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

/** Time of gathering before counts are sent. */
const SENT_EVERY_MS = 5_000;
/** Time after which another invocation sends in place of a dead invocation. */
const GRACE_MS = 5_000;

/** Counts of an isolate on the way to the objects. */
export class GatheredCounts {
  /** Unsent counts, by endpoint and component. */
  readonly #gathered = new Map<string, Map<string, ComponentCounts>>();
  /** Time by which an invocation sends the counts; 0 without such an invocation. */
  #sentBy = 0;

  /** Adds counts of a component. Returns at once. */
  add(
    env: Env,
    lifetime: Lifetime,
    endpoint: string,
    component: string,
    counts: ComponentCounts,
  ): void {
    const ofEndpoint = this.#gathered.get(endpoint) ?? new Map<string, ComponentCounts>();
    this.#gathered.set(endpoint, ofEndpoint);
    ofEndpoint.set(component, addCounts(ofEndpoint.get(component), counts));
    const now = Date.now();
    if (now < this.#sentBy) return;
    this.#sentBy = now + SENT_EVERY_MS + GRACE_MS;
    lifetime.waitUntil(this.#sendLater(env));
  }

  /** Gathers for a while, then sends. The state holds no promise: any request may add. */
  async #sendLater(env: Env): Promise<void> {
    await scheduler.wait(SENT_EVERY_MS);
    this.#sentBy = 0;
    const batches = Array.from(this.#gathered);
    this.#gathered.clear();
    await Promise.all(batches.map(([endpoint, counts]) => send(env, endpoint, counts)));
  }
}

const ofIsolate = new GatheredCounts();

/** Adds counts of a component. Returns at once. */
export function countRecommendation(
  env: Env,
  lifetime: Lifetime,
  endpoint: string,
  component: string,
  counts: ComponentCounts,
): void {
  ofIsolate.add(env, lifetime, endpoint, component, counts);
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

/** Sends the counts of an endpoint. Counts without an answer are lost, and the log says so. */
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
