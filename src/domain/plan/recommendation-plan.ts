/** The part of the plan that makes an endpoint a recommendation endpoint. Durations in ms. */

export const PARAM_TYPES = ["string", "integer", "number", "boolean"] as const;
export type ParamType = (typeof PARAM_TYPES)[number];

/** A value of a parameter after the check. */
export type ParamValue = string | number | boolean;

/** A parameter of the query. */
export interface ParamPlan {
  readonly name: string;
  readonly type: ParamType;
  readonly required: boolean;
  /** The value of a request without the parameter; null leaves the parameter out. */
  readonly default: ParamValue | null;
  /** Limits of numbers, included; null without. */
  readonly minimum: number | null;
  readonly maximum: number | null;
  /** The allowed values; null allows all. */
  readonly enum: readonly ParamValue[] | null;
  /** A regular expression that a text must contain a match of; null without. */
  readonly pattern: string | null;
  /** The most characters of a text. */
  readonly maxLength: number;
  readonly description: string | null;
}

/**
 * The subject of a split.
 * - `user`: the value of a parameter.
 * - `client`: a browser, known by a cookie that stays.
 * - `session`: a visit, known by a cookie that ends with the browser.
 * - `request`: each request, at random.
 */
export const SPLIT_SUBJECTS = ["user", "client", "session", "request"] as const;

export type SplitPlan =
  | { readonly by: "user"; readonly param: string }
  | { readonly by: "client" | "session" | "request" };

/** A component: a way to compute the recommendations. */
export interface ComponentPlan {
  readonly name: string;
  /** Key in the registry. */
  readonly method: string;
  /** Share of the requests, relative to the other components. */
  readonly weight: number;
  readonly timeoutMs: number;
}

export interface RecommendationPlan {
  /** Parameters in the order of peach.conf. */
  readonly params: readonly ParamPlan[];
  readonly split: SplitPlan;
  /** Components in the order of peach.conf; at least one has a weight above 0. */
  readonly components: readonly ComponentPlan[];
  /** Lifetime of a cached result; null caches nothing. */
  readonly cacheMs: number | null;
}

/**
 * The name that stands for the fallback among the components: clicks on the fallback's answers
 * count here.
 */
export const FALLBACK = "fallback";

/** Names in the query that Peach itself reads. */
export const OWN_PARAMS = ["component", "debug"] as const;
