/**
 * The claims of a recommendation's token: component, user, time, and the computation behind the
 * answer. A click that comes back with the token is counted for the component.
 */
import { originOf, type ServedBy } from "../../domain/recommendations/served.ts";

/** A verified token, as `verifyRecommendation` returns it. */
export interface Recommendation {
  readonly endpoint: string;
  /** The component that was chosen. */
  readonly component: string;
  /** True if the fallback answered in place of the component. */
  readonly fallback: boolean;
  /** Keyed hash of the user, the client or the session; null for a split at random. */
  readonly user: string | null;
  readonly conf_version: string;
  /** Time of the answer, ISO 8601. */
  readonly at: string;
  /** The computation of the result; null if the result was stored without `servedBy`. */
  readonly run: ServedBy | null;
}

/** Writes the claims as JSON with short names, since the token travels in a header. */
export function writeClaims(claims: Recommendation): string {
  const { endpoint, component, fallback, user, conf_version, at, run } = claims;
  return JSON.stringify({
    e: endpoint,
    c: component,
    ...(fallback && { f: 1 }),
    ...(user !== null && { u: user }),
    v: conf_version,
    t: Date.parse(at),
    ...(run !== null && { r: [run.run_id, run.task, run.at] }),
  });
}

/** Reads claims whose signature is verified; null for claims of another form. */
export function readClaims(json: string): Recommendation | null {
  let claims: unknown;
  try {
    claims = JSON.parse(json);
  } catch {
    return null;
  }
  if (typeof claims !== "object" || claims === null) return null;
  const part = (name: string): unknown => Reflect.get(claims, name);
  const [endpoint, component, version, at] = [part("e"), part("c"), part("v"), part("t")];
  if (typeof endpoint !== "string" || typeof component !== "string" || typeof version !== "string")
    return null;
  if (typeof at !== "number" || !Number.isSafeInteger(at)) return null;
  const [user, run] = [part("u"), part("r")];
  const [run_id, task, ranAt]: readonly unknown[] = Array.isArray(run) ? run : [];
  return {
    endpoint,
    component,
    fallback: part("f") === 1,
    user: typeof user === "string" ? user : null,
    conf_version: version,
    at: new Date(at).toISOString(),
    run: originOf({ run_id, task, at: ranAt }),
  };
}
