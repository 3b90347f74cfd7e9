/**
 * Sends expensive bodies to every way in, one after another, and checks their cost: growth of the
 * worker's memory, time to answer health checks meanwhile, and the answer itself.
 */
import type { Prng } from "../chaos/prng.ts";
import { ResidentMemory, TELLS_MEMORY } from "../resident-memory.ts";
import type { Fault } from "./campaign.ts";
import { faultOf, type FuzzedAnswer } from "./fault.ts";
import type { FuzzedRequest } from "./fuzzed-request.ts";
import { HealthWatch } from "./health-watch.ts";
import type { HostileBody } from "./hostile-bodies.ts";

const MAX_GROWTH_BYTES = 150_000_000;
const MAX_HEALTH_MS = 1_000;

export interface Siege {
  readonly url: string;
  /** Processes whose memory must not grow. */
  readonly pids: readonly number[];
  readonly bodies: readonly HostileBody[];
  /** Targets: path and headers by kind of body. */
  readonly targets: Readonly<
    Record<string, (bytes: Uint8Array) => Pick<FuzzedRequest, "path" | "headers">>
  >;
  /** Number of pairs of body and target, drawn at random; all pairs if there are fewer. */
  readonly requests: number;
  readonly prng: Prng;
  readonly secrets: readonly string[];
  send(request: FuzzedRequest): Promise<FuzzedAnswer>;
}

export interface SiegeResult {
  readonly faults: readonly Fault[];
  readonly requests: number;
  /** Largest growth of a process by one request, in bytes; null if the system does not tell. */
  readonly mostGrown: number | null;
  /** Milliseconds, as counted by `HealthWatch`. */
  readonly slowestHealthMs: number;
}

/** Resolves when all requests are answered. */
export async function besiege(siege: Siege): Promise<SiegeResult> {
  const { prng, bodies, targets } = siege;
  const pairs = bodies.flatMap((body) =>
    Object.entries(targets).map(([id, to]) => ({ id, to, body })),
  );
  const faults: Fault[] = [];
  let mostGrown = 0;
  let slowestHealthMs = 0;
  const count = Math.min(siege.requests, pairs.length);
  const drawn = Array.from({ length: count }, () =>
    pairs.splice(prng.between(0, pairs.length), 1),
  ).flat();
  // A body can take longer to make than its answer takes. So each body is made once, and sent to
  // all of its targets.
  for (const [body, requests] of Map.groupBy(drawn, (pair) => pair.body)) {
    const bytes = body.make();
    for (const { id, to } of requests) {
      const { grown, slowestMs, found } = await one(siege, { id, to, body, bytes });
      mostGrown = Math.max(mostGrown, grown);
      slowestHealthMs = Math.max(slowestHealthMs, slowestMs);
      faults.push(...found);
    }
  }
  return { faults, requests: count, mostGrown: TELLS_MEMORY ? mostGrown : null, slowestHealthMs };
}

async function one(
  siege: Siege,
  {
    id,
    to,
    body,
    bytes,
  }: {
    readonly id: string;
    readonly to: Siege["targets"][string];
    readonly body: HostileBody;
    readonly bytes: Uint8Array<ArrayBuffer>;
  },
): Promise<{ grown: number; slowestMs: number; found: Fault[] }> {
  const { path, headers } = to(bytes);
  const encoding =
    body.contentEncoding === undefined ? {} : { "Content-Encoding": body.contentEncoding };
  const sent = { "Content-Type": body.contentType, ...encoding, ...headers };
  const request = { id: `${id}: ${body.name}`, method: "POST", path, headers: sent, body: bytes };
  const memory = TELLS_MEMORY ? new ResidentMemory(siege.pids) : null;
  memory?.forgetGrowth();
  const watch = new HealthWatch(siege);
  const found: Fault[] = [];
  let answer: FuzzedAnswer | null = null;
  try {
    answer = await siege.send(request);
    const why = faultOf(answer, siege.secrets);
    if (why !== null) found.push({ why, request, answer });
  } catch (error) {
    found.push({ why: `there is none: ${String(error)}`, request, answer });
  }
  await watch.stop();
  const grown = memory?.grown() ?? 0;
  const { slowestMs, failure } = watch;
  if (grown > MAX_GROWTH_BYTES)
    found.push({ why: `the worker grew by ${Math.round(grown / 1e6)} MB`, request, answer });
  if (slowestMs > MAX_HEALTH_MS)
    found.push({
      why: `/healthz answered after ${Math.round(slowestMs)} ms of computing`,
      request,
      answer,
    });
  if (failure !== null) found.push({ why: `/healthz did not answer: ${failure}`, request, answer });
  return { grown, slowestMs, found };
}
