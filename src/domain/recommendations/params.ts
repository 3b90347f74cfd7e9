/**
 * Reads the parameters of a recommendation endpoint from the query and the path of a request.
 *
 * - An empty value counts as absent: forms send empty fields.
 * - A repeated parameter is refused, since a value would be ignored.
 * - Undeclared parameters are ignored. Links collect parameters on the way, such as `utm_source`.
 * - The path wins over the query.
 */
import type { ParamPlan, ParamValue } from "../plan/recommendation-plan.ts";

/** The values by name. An optional parameter without a default is absent. */
export type Params = Readonly<Record<string, ParamValue>>;

/** A wrong parameter. */
export interface WrongParam {
  readonly name: string;
  /** Completes "The parameter NAME ...". */
  readonly message: string;
}

/** A number as JSON writes it. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Returns the values, or every wrong parameter. */
export function readParams(
  plans: readonly ParamPlan[],
  query: URLSearchParams,
  path: Readonly<Record<string, string>> = {},
):
  | { readonly ok: true; readonly params: Params }
  | { readonly ok: false; readonly wrong: readonly WrongParam[] } {
  const wrong: WrongParam[] = [];
  // Without a prototype: an author's `params.constructor` is a parameter or nothing.
  const params: Record<string, ParamValue> = Object.create(null);
  for (const plan of plans) {
    const { name } = plan;
    const inPath = Object.hasOwn(path, name) ? path[name] : undefined;
    const given = inPath === undefined ? query.getAll(name) : [inPath];
    const [text = ""] = given;
    if (given.length > 1)
      wrong.push({ name, message: `is given ${given.length} times: give it once` });
    else if (text !== "") {
      const value = valueOf(plan, text);
      const message = value === null ? `must be ${KINDS[plan.type]}` : misfitOf(plan, value);
      if (message !== null) wrong.push({ name, message });
      else if (value !== null) params[name] = value;
    } else if (plan.default !== null) params[name] = plan.default;
    else if (plan.required) wrong.push({ name, message: "is missing" });
  }
  return wrong.length > 0 ? { ok: false, wrong } : { ok: true, params };
}

/** Converts the text to the type of the parameter; null for another form. */
function valueOf({ type }: ParamPlan, text: string): ParamValue | null {
  switch (type) {
    case "string":
      return text;
    case "boolean":
      return text === "true" ? true : text === "false" ? false : null;
    case "integer":
      return NUMBER.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : null;
    case "number":
      return NUMBER.test(text) && Number.isFinite(Number(text)) ? Number(text) : null;
  }
}

/** The types with an article. */
const KINDS: Readonly<Record<ParamPlan["type"], string>> = {
  string: "a text",
  boolean: "true or false",
  integer: "a whole number",
  number: "a number",
};

/** Names the rule of the parameter that a value of the right type breaks; null without a fault. */
export function misfitOf(plan: ParamPlan, value: ParamValue): string | null {
  const { minimum, maximum, pattern, maxLength, enum: allowed } = plan;
  if (allowed !== null && !allowed.includes(value)) return `must be one of ${allowed.join(", ")}`;
  if (typeof value === "number") {
    if (minimum !== null && value < minimum) return `must be at least ${minimum}`;
    if (maximum !== null && value > maximum) return `must be at most ${maximum}`;
  }
  if (typeof value === "string") {
    if (value.length > maxLength) return `must have at most ${maxLength} characters`;
    if (pattern !== null && !new RegExp(pattern, "u").test(value))
      return `must match the pattern ${pattern}`;
  }
  return null;
}

/** Writes the parameters as text: equal for equal parameters, in any order. */
export function paramsKey(params: Params): string {
  return JSON.stringify(Object.entries(params).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
