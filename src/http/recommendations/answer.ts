/**
 * Answers a request to a recommendation endpoint, in these steps: rights, parameters, subject,
 * component, cache, fallback, token, count.
 *
 * A component that throws, takes too long or returns no JSON value is replaced by the fallback.
 * Answer and count name the chosen component all the same; the header `peach-fallback` and the
 * outcome `fallback` tell the replacement.
 *
 * Answers are `private, no-store`, since every answer has a new token.
 */
import type { Context } from "hono";
import type { EndpointPlan, Plan } from "../../domain/plan/plan.ts";
import {
  type ComponentPlan,
  FALLBACK,
  type RecommendationPlan,
} from "../../domain/plan/recommendation-plan.ts";
import { nearest } from "../../domain/nearest.ts";
import type { Problem } from "../../domain/problem.ts";
import { type Params, paramsKey, readParams } from "../../domain/recommendations/params.ts";
import { chooseComponent } from "../../domain/recommendations/split.ts";
import type { Serving } from "../../domain/recommendations/statistics.ts";
import { hashUser, signRecommendation } from "../../execution/author/recommendation-token.ts";
import { writeJson } from "../../payloads/json-text.ts";
import { within } from "../../platform/calls.ts";
import type { Lifetime } from "../../platform/lifetime.ts";
import { textOfThrown } from "../../platform/log.ts";
import type { AnswerRequest, EndpointRequest } from "../endpoints/endpoint-call.ts";
import type { HttpEnv } from "../http-env.ts";
import { logFailure, problemResponse } from "../problem.ts";
import { ResultCache } from "./cache.ts";
import { type Compute, type Computed, TooLateError } from "./component-call.ts";
import { type Subject, subjectOf } from "./subject.ts";
import { readWishes, type Wishes } from "./wishes.ts";

/** Counts an answered request. Returns at once; the count is sent later. */
export type CountServing = (
  env: Env,
  lifetime: Lifetime,
  endpoint: string,
  component: string,
  serving: Serving,
) => void;

/** The parts of an answer. */
export interface RecommendationDependencies {
  readonly plan: Plan;
  readonly compute: Compute;
  readonly countServing: CountServing;
}

/** A result, with the way to the result. */
interface Answered {
  readonly computed: Computed;
  readonly isFallback: boolean;
  /** True if the cache had the result; null without a cache. */
  readonly isHit: boolean | null;
  /** The error of the component that the fallback replaced; null without one. */
  readonly error: unknown;
}

/** The errors of component and fallback, if both failed. */
interface Unanswered {
  readonly errors: readonly unknown[];
}

/**
 * Time limit of signing. An isolate asks the identity object for the key of its first token.
 * Milliseconds.
 */
const TOKEN_LIMIT_MS = 1_000;

/** Codes of answers after a component was asked; the other codes refuse the request before. */
const FAILURES: ReadonlySet<Problem["code"]> = new Set([
  "recommendation_failed",
  "endpoint_timeout",
]);

/**
 * Creates the function that answers requests to recommendation endpoints. The cache belongs to the
 * isolate. Nothing else is kept between requests.
 */
export function createAnswerRecommendation({
  plan,
  compute,
  countServing,
}: RecommendationDependencies): AnswerRequest {
  const cache = new ResultCache(plan);

  return async function answerRecommendation(c, request) {
    const { endpoint } = request;
    const answered = await answer(c, request, recommendationOf(endpoint));
    if (answered instanceof Response) return { response: answered, reason: null, runs: [] };
    const { problem, headers } = answered;
    const response = problemResponse(c, problem, headers);
    // A refusal must not take the place of a failure among the kept deliveries.
    const isRefused = !FAILURES.has(problem.code);
    return { response, reason: problem.code, runs: [], isRefused };
  };

  async function answer(
    c: Context<HttpEnv>,
    request: EndpointRequest,
    recommendation: RecommendationPlan,
  ): Promise<Response | { readonly problem: Problem; readonly headers?: Record<string, string> }> {
    const startedAt = Date.now();
    const { endpoint, limited } = request;
    const query = new URL(limited.request.url).searchParams;
    const wishes = await readWishes(c, endpoint, query);
    if ("problem" in wishes) return wishes;
    const read = readParams(recommendation.params, query, request.params);
    if (!read.ok) return { problem: wrongParams(endpoint, read.wrong) };
    const { params } = read;
    const subject = subjectOf(limited.request, endpoint, recommendation, params);
    const component = chosen(endpoint, recommendation, wishes, subject);
    if (component === null) return { problem: unknownComponent(recommendation, wishes) };
    const result = await recommend(c, request, component, params, wishes);
    const ms = Date.now() - startedAt;
    // A trial must not move the shares.
    if (!wishes.isDebug && wishes.component === null)
      countServing(c.env, c.executionCtx, endpoint.name, component.name, servingOf(result, ms));
    const headers = { "peach-component": component.name };
    if ("errors" in result) return { problem: nobodyAnswered(endpoint, result, wishes), headers };
    return responseOf(c, { endpoint, component, subject, wishes, ms, result });
  }

  /** Asks the component, through the cache if the endpoint has a cache, then the fallback. */
  async function recommend(
    c: Context<HttpEnv>,
    request: EndpointRequest,
    component: ComponentPlan,
    params: Params,
    { isDebug }: Wishes,
  ): Promise<Answered | Unanswered> {
    const { endpoint } = request;
    const { cacheMs } = recommendationOf(endpoint);
    const ask = (): Promise<Computed> => compute(c, request, component, params);
    try {
      if (cacheMs === null || isDebug) {
        const computed = await ask();
        return { computed, isFallback: false, isHit: null, error: null };
      }
      const place = {
        key: [endpoint.name, component.name, paramsKey(params)],
        keepMs: cacheMs,
        timeoutMs: component.timeoutMs,
      };
      const cached = await cache.get(c, place, ask);
      return { ...cached, isFallback: false, error: null };
    } catch (error) {
      logFailure(c, `endpoint "${endpoint.name}": the component ${component.name} failed`, error);
      if (endpoint.fallback === null) return { errors: [error] };
      const { timeoutMs, fallback: method } = endpoint;
      try {
        const computed = await compute(c, request, { name: FALLBACK, method, timeoutMs }, params);
        const isHit = cacheMs === null || isDebug ? null : false;
        return { computed, isFallback: true, isHit, error };
      } catch (second) {
        logFailure(c, `endpoint "${endpoint.name}": its fallback failed`, second);
        return { errors: [error, second] };
      }
    }
  }

  /** Writes the answer with headers and a signed token. */
  async function responseOf(
    c: Context<HttpEnv>,
    answered: {
      readonly endpoint: EndpointPlan;
      readonly component: ComponentPlan;
      readonly subject: Subject;
      readonly wishes: Wishes;
      readonly ms: number;
      readonly result: Answered;
    },
  ): Promise<Response> {
    const { endpoint, component, subject, wishes, ms, result } = answered;
    const { computed, isFallback, isHit } = result;
    const headers = new Headers({
      "Content-Type": "application/json",
      "Cache-Control": "private, no-store",
      "peach-component": component.name,
    });
    if (isFallback) headers.set("peach-fallback", "true");
    if (isHit !== null) headers.set("peach-cache", isHit ? "hit" : "miss");
    // A trial leaves the component of the browser as it is.
    if (subject.setCookie !== null && !wishes.isDebug)
      headers.append("Set-Cookie", subject.setCookie);
    const token = await tokenOf(c, { endpoint, component, subject, isFallback, run: computed.run });
    if (token !== null) headers.set("peach-recommendation", token);
    const { json } = computed;
    return new Response(wishes.isDebug ? debugText(json, component, ms, result) : json, {
      headers,
    });
  }

  /**
   * Signs the token. Null while the identity object is unreachable or silent: an answer without a
   * token is better than a failure, or a page that waits.
   */
  async function tokenOf(
    c: Context<HttpEnv>,
    answered: {
      readonly endpoint: EndpointPlan;
      readonly component: ComponentPlan;
      readonly subject: Subject;
      readonly isFallback: boolean;
      readonly run: Computed["run"];
    },
  ): Promise<string | null> {
    const { endpoint, component, subject, isFallback, run } = answered;
    const sign = async (): Promise<string> =>
      signRecommendation(c.env, {
        endpoint: endpoint.name,
        component: component.name,
        fallback: isFallback,
        user: subject.id === null ? null : await hashUser(c.env, subject.id),
        conf_version: plan.version,
        at: new Date().toISOString(),
        run,
      });
    const signed = sign();
    try {
      return await within(TOKEN_LIMIT_MS, "the identity object", signed);
    } catch (error) {
      // The key is still awaited, for the tokens of later answers.
      c.executionCtx.waitUntil(signed.catch(() => undefined));
      logFailure(c, `endpoint "${endpoint.name}": the recommendation has no token`, error);
      return null;
    }
  }
}

/** Returns the recommendation part of the plan. Endpoints with a method never come here. */
function recommendationOf({ name, recommendation }: EndpointPlan): RecommendationPlan {
  if (recommendation === undefined) throw new Error(`the endpoint "${name}" has no components`);
  return recommendation;
}

/** Chooses the wished component, or a component by the split; null for an unknown name. */
function chosen(
  { name }: EndpointPlan,
  { components }: RecommendationPlan,
  { component: wished }: Wishes,
  { id }: Subject,
): ComponentPlan | null {
  if (wished !== null) return components.find((component) => component.name === wished) ?? null;
  // Without a subject, a new one for each request: at random, by the same weights.
  return chooseComponent(components, name, id ?? crypto.randomUUID());
}

/** Converts a result to a count. */
function servingOf(result: Answered | Unanswered, ms: number): Serving {
  if ("errors" in result) return { outcome: "failed", ms, isHit: false, run: null };
  const { isFallback, isHit, computed } = result;
  const outcome = isFallback ? "fallback" : "served";
  // The count of a component has no runs of the fallback.
  return { outcome, ms, isHit: isHit === true, run: isFallback ? null : computed.run };
}

/** Wraps the value for `?debug=1`. */
function debugText(
  json: string,
  { name }: ComponentPlan,
  ms: number,
  { isFallback, error }: Answered,
): string {
  const debug = {
    component: name,
    fallback: isFallback,
    // A trial bypasses the cache.
    cache: null,
    ms,
    error: isFallback ? textOf(error) : null,
  };
  return `{"result":${json},"debug":${JSON.stringify(debug)}}`;
}

/** Writes an error for callers with the right to read: name and message, without a stack. */
function textOf(error: unknown): string {
  try {
    const written = error instanceof Error ? null : writeJson(error);
    if (written?.ok === true) return written.pieces.join("");
  } catch {
    // An author's value may refuse to be read.
  }
  return textOfThrown(error);
}

/** Refuses wrong parameters, all at once. */
function wrongParams(
  { name }: EndpointPlan,
  wrong: readonly { readonly name: string; readonly message: string }[],
): Problem {
  const said = wrong.map((param) => `\`${param.name}\` ${param.message}`);
  return {
    code: "invalid_request",
    detail: `The endpoint "${name}" cannot read its parameters: ${said.join("; ")}.`,
    hint: "Correct the query. `params` in peach.conf declares the parameters.",
    errors: wrong.map((param) => ({ path: `query.${param.name}`, message: param.message })),
  };
}

/** Refuses an unknown component with the most similar name. */
function unknownComponent({ components }: RecommendationPlan, { component }: Wishes): Problem {
  const names = components.map(({ name }) => name);
  const meant = nearest(component ?? "", names);
  return {
    code: "invalid_request",
    detail: `There is no component "${component}".`,
    hint: meant === null ? `The components are ${names.join(", ")}.` : `Did you mean "${meant}"?`,
    errors: [{ path: "query.component", message: `must be one of ${names.join(", ")}` }],
  };
}

/** Answers 504 after a last time-out, else 502. Only a caller with a token reads the errors. */
function nobodyAnswered(
  { name }: EndpointPlan,
  { errors }: Unanswered,
  { isDebug }: Wishes,
): Problem {
  const why = isDebug ? ` ${errors.map(textOf).join("; then the fallback: ")}` : "";
  if (errors.at(-1) instanceof TooLateError)
    return {
      code: "endpoint_timeout",
      detail: `No component of the endpoint "${name}" has answered in time.${why}`,
      hint: "Send it again later. Its author sets `timeout` and `fallback` in peach.conf.",
    };
  return {
    code: "recommendation_failed",
    detail: `No component of the endpoint "${name}" has answered.${why}`,
    hint: "Its author finds the reason under the request_id in the worker's log.",
  };
}
