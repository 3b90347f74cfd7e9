/**
 * Finds the subject of a split: the user in the parameters, or the browser by a cookie.
 *
 * A cookie holds a random id and nothing else. The id is not signed: a forged id chooses a
 * component for the forger alone, like a deleted cookie. The id is stored nowhere; a token has a
 * keyed hash of the id.
 */
import type { EndpointPlan } from "../../domain/plan/plan.ts";
import type { RecommendationPlan } from "../../domain/plan/recommendation-plan.ts";
import type { Params } from "../../domain/recommendations/params.ts";

/** Names of the cookies. A browser accepts `__Host-` only over https, and from this very host. */
const COOKIES = { client: "peach_client", session: "peach_visit" } as const;
/** Lifetime of the client's cookie in seconds: 400 days, the most that browsers keep. */
const CLIENT_MAX_AGE = 400 * 86_400;
const ID = /^[0-9a-f]{32}$/;

/** The subject of a split. */
export interface Subject {
  /** The id; null splits the request at random. */
  readonly id: string | null;
  /** The value of `Set-Cookie` for a browser without an id; null for a known browser. */
  readonly setCookie: string | null;
}

/** Finds the subject, or gives the browser a new id. */
export function subjectOf(
  request: Request,
  endpoint: EndpointPlan,
  { split }: RecommendationPlan,
  params: Params,
): Subject {
  if (split.by === "request") return { id: null, setCookie: null };
  if (split.by === "user") {
    const user = params[split.param];
    return { id: user === undefined ? null : String(user), setCookie: null };
  }
  const isSecure = new URL(request.url).protocol === "https:";
  const name = isSecure ? `__Host-${COOKIES[split.by]}` : COOKIES[split.by];
  const known = cookieOf(request, name);
  if (known !== null && ID.test(known)) return { id: known, setCookie: null };
  const id = crypto.getRandomValues(new Uint8Array(16)).toHex();
  const lasts = split.by === "client" ? [`Max-Age=${CLIENT_MAX_AGE}`] : [];
  const attributes = ["Path=/", ...lasts, "HttpOnly", ...siteOf(endpoint, isSecure)];
  return { id, setCookie: [`${name}=${id}`, ...attributes].join("; ") };
}

/** True if pages of other origins may call the endpoint with cookies. */
export function isForOtherSites({ cors, recommendation }: EndpointPlan): boolean {
  const by = recommendation?.split.by;
  const isByCookie = by === "client" || by === "session";
  return isByCookie && cors !== null && !cors.origins.includes("*");
}

/**
 * Attributes that decide which pages send the cookie. Pages of other sites need `SameSite=None`,
 * which browsers accept over https only; `Partitioned` gives each site a separate id.
 */
function siteOf(endpoint: EndpointPlan, isSecure: boolean): readonly string[] {
  if (!isSecure) return ["SameSite=Lax"];
  return isForOtherSites(endpoint)
    ? ["Secure", "SameSite=None", "Partitioned"]
    : ["Secure", "SameSite=Lax"];
}

/** Reads a cookie of the request; null without the cookie. */
function cookieOf(request: Request, name: string): string | null {
  const cookies = request.headers.get("Cookie")?.split(/; */) ?? [];
  const found = cookies.find((cookie) => cookie.startsWith(`${name}=`));
  return found?.slice(name.length + 1) ?? null;
}
