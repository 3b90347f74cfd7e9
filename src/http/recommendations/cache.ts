/**
 * Caches results in the platform's cache, by endpoint, component, parameters and version of
 * peach.conf. A new version of the configuration begins with an empty cache.
 *
 * Requests for the same result at the same time wait for the first of them, so that a stampede asks
 * the component once per isolate. Other isolates, and other locations of Cloudflare, each ask once
 * more: the platform's cache is one per location. On a `*.workers.dev` address the platform keeps
 * nothing, and every request is a miss.
 *
 * A waiting request has a promise of its own, resolved by the first one, and its own timer: the
 * first one may end early, with its client's connection.
 */
import type { Context } from "hono";
import type { Plan } from "../../domain/plan/plan.ts";
import { originOf, type ServedBy } from "../../domain/recommendations/served.ts";
import { log } from "../../platform/log.ts";
import type { HttpEnv } from "../http-env.ts";
import { type Computed, TooLateError } from "./component-call.ts";

/** Where a result is kept, for how long, and how long its computation may take. */
export interface CachePlace {
  readonly key: readonly string[];
  readonly keepMs: number;
  readonly timeoutMs: number;
}

/** A result, and whether it was cached. */
export interface CachedResult {
  readonly computed: Computed;
  readonly isHit: boolean;
}

/** The end of a computation, for the requests that wait for it. */
type End = { readonly computed: Computed } | { readonly error: unknown };

interface Flight {
  /** Null while the computation is under way. */
  end: End | null;
  readonly waiting: Set<(end: End) => void>;
  /** Time by which the computation must have ended, epoch milliseconds. */
  readonly endsBy: number;
}

/** Header of a cached result: the run that computed the result, as JSON. */
const RUN = "peach-run";
/** Added to the timeout of a component, for the way to the cache. */
const MARGIN_MS = 500;

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
    const url = this.#urlOf(place);
    const flight = this.#flights.get(url);
    if (flight !== undefined && Date.now() < flight.endsBy)
      return { computed: await follow(flight), isHit: true };
    // Set before the first await: requests that come from here on wait for this one.
    const own: Flight = {
      end: null,
      waiting: new Set(),
      endsBy: Date.now() + place.timeoutMs + MARGIN_MS,
    };
    this.#flights.set(url, own);
    const led = lead(url, compute);
    // The others wait for it even if the client of this request goes away.
    c.executionCtx.waitUntil(this.#land(url, own, led, place));
    return led;
  }

  /** Tells the waiting requests the end, and stores the result. */
  async #land(
    url: string,
    own: Flight,
    led: Promise<CachedResult>,
    { keepMs }: CachePlace,
  ): Promise<void> {
    try {
      const { computed, isHit } = await led;
      tell(own, { computed });
      if (!isHit) await store(url, computed, keepMs);
    } catch (error) {
      tell(own, { error });
    } finally {
      // Only now: until it is stored, further requests find the result here.
      if (this.#flights.get(url) === own) this.#flights.delete(url);
    }
  }

  #urlOf({ key }: CachePlace): string {
    const path = [this.#plan.version, ...key].map(encodeURIComponent).join("/");
    return `https://recommendations.peach.invalid/${path}`;
  }
}

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
async function lead(url: string, compute: () => Promise<Computed>): Promise<CachedResult> {
  const cached = await read(url);
  return cached === null
    ? { computed: await compute(), isHit: false }
    : { computed: cached, isHit: true };
}

/** Reads a result; null if it is not cached, or if the cache fails. */
async function read(url: string): Promise<Computed | null> {
  try {
    const cached = await caches.default.match(url);
    if (cached === undefined) return null;
    return { json: await cached.text(), run: runOf(cached.headers.get(RUN)) };
  } catch (error) {
    log("warn", "the cache of recommendations cannot be read", { error });
    return null;
  }
}

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

function runOf(header: string | null): ServedBy | null {
  if (header === null) return null;
  try {
    return originOf(JSON.parse(header));
  } catch {
    return null;
  }
}
