/**
 * Caches results in the platform's cache, by endpoint, component, parameters and version of
 * peach.conf. A new version of the configuration begins with an empty cache.
 *
 * Requests for the same result at the same time wait for the first request, so a stampede asks the
 * component once per isolate. Every further isolate and every further location of Cloudflare asks
 * once more: the platform's cache is local. On a `*.workers.dev` address the platform keeps
 * nothing, and every request is a miss.
 *
 * All workers of a zone share the cache. Therefore a key is a MAC under the deployment's own key:
 * another deployment of the same peach.conf, such as a trial, has other entries, and no worker can
 * tell from a key who asked for what.
 *
 * Each waiting request has a separate promise, resolved by the first request, and a separate timer:
 * the first request may end early, with the connection of the client.
 */
import type { Context } from "hono";
import type { Plan } from "../../domain/plan/plan.ts";
import { originOf, type ServedBy } from "../../domain/recommendations/served.ts";
import { macOf } from "../../objects/identity/identity-client.ts";
import { within } from "../../platform/calls.ts";
import { log } from "../../platform/log.ts";
import type { HttpEnv } from "../http-env.ts";
import { type Computed, TooLateError } from "./component-call.ts";

/** Key and lifetime of a cached result, and the time limit of the computation. */
export interface CachePlace {
  readonly key: readonly string[];
  readonly keepMs: number;
  readonly timeoutMs: number;
}

/** A result, from the cache or computed. */
export interface CachedResult {
  readonly computed: Computed;
  readonly isHit: boolean;
}

/** A result with its url in the cache; null while the url cannot be computed. */
interface Led extends CachedResult {
  readonly url: string | null;
}

/** The end of a computation, for the waiting requests. */
type End = { readonly computed: Computed } | { readonly error: unknown };

/** A computation under way, or one whose result is being stored. */
interface Flight {
  /** The end; null while the computation is under way. */
  end: End | null;
  readonly waiting: Set<(end: End) => void>;
  /** Time by which the computation must have ended, epoch milliseconds. */
  readonly endsBy: number;
}

/** Header of a cached result: the run that computed the result, as JSON. */
const RUN = "peach-run";
/** Added to the timeout of a component, for the way to the cache. */
const MARGIN_MS = 500;

/** Results of components, with one call at a time for each key. */
export class ResultCache {
  readonly #plan: Plan;
  /** Computations under way in this isolate, by key. */
  readonly #flights = new Map<string, Flight>();

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  /** Returns the cached result, or computes it. Rejects with the error of the computation. */
  async get(
    c: Context<HttpEnv>,
    place: CachePlace,
    compute: () => Promise<Computed>,
  ): Promise<CachedResult> {
    const key = JSON.stringify([this.#plan.version, ...place.key]);
    const flight = this.#flights.get(key);
    if (flight !== undefined && Date.now() < flight.endsBy)
      return { computed: await follow(flight), isHit: true };
    // Set before the first await: further requests wait for this request.
    const own: Flight = {
      end: null,
      waiting: new Set(),
      endsBy: Date.now() + place.timeoutMs + MARGIN_MS,
    };
    this.#flights.set(key, own);
    const led = lead(c.env, key, compute);
    // The computation goes on for the waiting requests if the client of this request leaves.
    c.executionCtx.waitUntil(this.#land(key, own, led, place));
    return led;
  }

  /** Tells the waiting requests the end, and stores the result. */
  async #land(key: string, own: Flight, led: Promise<Led>, { keepMs }: CachePlace): Promise<void> {
    try {
      const { computed, isHit, url } = await led;
      tell(own, { computed });
      if (!isHit && url !== null) await store(url, computed, keepMs);
    } catch (error) {
      tell(own, { error });
    } finally {
      // Until the result is stored, further requests find the result here.
      if (this.#flights.get(key) === own) this.#flights.delete(key);
    }
  }
}

/** Ends the computation, and wakes the waiting requests. */
function tell(flight: Flight, end: End): void {
  flight.end = end;
  for (const wake of flight.waiting) wake(end);
}

/** Waits for the computation of another request. */
async function follow(flight: Flight): Promise<Computed> {
  const { promise, resolve } = Promise.withResolvers<End>();
  if (flight.end !== null) resolve(flight.end);
  const waitMs = Math.max(0, flight.endsBy - Date.now());
  const timer = setTimeout(() => resolve({ error: new TooLateError(waitMs) }), waitMs);
  flight.waiting.add(resolve);
  try {
    const end = await promise;
    if ("error" in end) throw end.error;
    return end.computed;
  } finally {
    clearTimeout(timer);
    flight.waiting.delete(resolve);
  }
}

/** Looks into the cache, then computes the result. */
async function lead(env: Env, key: string, compute: () => Promise<Computed>): Promise<Led> {
  const { url, cached } = await read(env, key);
  return cached === null
    ? { computed: await compute(), isHit: false, url }
    : { computed: cached, isHit: true, url };
}

/** Looks into the cache for a short time. Finds nothing in a cache that is broken or too slow. */
async function read(
  env: Env,
  key: string,
): Promise<{ readonly url: string | null; readonly cached: Computed | null }> {
  let url: string | null = null;
  const look = async (): Promise<Computed | null> => {
    url = await urlOf(env, key);
    const cached = await caches.default.match(url);
    if (cached === undefined) return null;
    return { json: await cached.text(), run: runOf(cached.headers.get(RUN)) };
  };
  try {
    const cached = await within(MARGIN_MS, "the cache of recommendations", look());
    return { url, cached };
  } catch (error) {
    log("warn", "the cache of recommendations cannot be read", { error });
    return { url, cached: null };
  }
}

/** The cache is keyed by urls; this host does not exist. */
async function urlOf(env: Env, key: string): Promise<string> {
  const mac = await macOf(env, "recommendation cache", key);
  const name = mac.toBase64({ alphabet: "base64url", omitPadding: true });
  return `https://recommendations.peach.invalid/${name}`;
}

/** Stores a result. A failure is logged: the next request computes again. */
async function store(url: string, { json, run }: Computed, keepMs: number): Promise<void> {
  const headers = {
    "Content-Type": "application/json",
    "Cache-Control": `max-age=${Math.ceil(keepMs / 1_000)}`,
    ...(run !== null && { [RUN]: JSON.stringify(run) }),
  };
  try {
    await caches.default.put(url, new Response(json, { headers }));
  } catch (error) {
    log("warn", "a recommendation cannot be cached", { error });
  }
}

/** Reads the run in the header of a cached result. */
function runOf(header: string | null): ServedBy | null {
  if (header === null) return null;
  try {
    return originOf(JSON.parse(header));
  } catch {
    return null;
  }
}
