/**
 * Generates requests of a careless or hostile client: mostly valid, and wrong in a place or two.
 * Ids from earlier answers are used again, so that calls also meet existing things. Pure: the
 * random source decides everything.
 */
import type { Prng } from "../chaos/prng.ts";
import type { DescribedCall, DescribedParameter } from "./described-calls.ts";

export interface FuzzedRequest {
  /** Id of the call or of the way in. */
  readonly id: string;
  readonly method: string;
  /** The path with its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer> | null;
}

/** Values for requests, in addition to generated ones. */
export interface Ingredients {
  /** Values of `Authorization`. */
  readonly authorizations: readonly string[];
  /** Existing names and ids. */
  readonly known: readonly string[];
}

/** Hostile values for a path, a query or a body. */
export const NASTY = [
  "",
  "0",
  "-1",
  "1e309",
  "9007199254740993",
  "null",
  "undefined",
  "NaN",
  "true",
  "__proto__",
  "constructor",
  "toString",
  "..",
  "../../healthz",
  "%00",
  "%",
  "%zz",
  "a/b",
  "*",
  "{id}",
  "' OR 1=1 --",
  "<script>alert(1)</script>",
  "\u0000\u0007",
  "\ud800",
  "ä€😀",
  "🦆".repeat(40),
  "x".repeat(300),
  "run_00000000000000000000000000",
  "run_zzzzzzzzzzzzzzzzzzzzzzzzzz",
  "dlt_00000000000000000000000000",
  "1970-01-01T00:00:00Z",
  "9999-12-31T23:59:59Z",
  "25:99",
  "eyJhbGciOiJub25lIn0.e30.",
] as const;

/** Short durations: a call that waits must not block the others. */
const DURATIONS = [
  "0s",
  "1ms",
  "50ms",
  "1s",
  "-1s",
  "1",
  "1w",
  "999999999999999d",
  "ms",
  "1.5s",
] as const;

const CONTENT_TYPES = [
  "application/json",
  "application/json; charset=latin1",
  "text/plain",
  "text/plain; charset=nonsense",
  "application/octet-stream",
  "application/cloudevents+json",
  "application/cloudevents-batch+json",
  "multipart/form-data",
  "application/x-www-form-urlencoded",
  "",
  ";;;",
  "a/b".repeat(100),
] as const;

const BODIES = [
  "",
  "{",
  "null",
  "[]",
  "{}",
  '{"status":"succeeded","payload":1}',
  '{"status":"failed","error":{"message":"x"}}',
  '{"status":"?"}',
  '{"__proto__":{"a":1},"constructor":2}',
  '{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"a":1}}',
  '{"specversion":"1.0","data_base64":"!!"}',
  "[".repeat(5_000),
  `${"[".repeat(2_000)}${"]".repeat(2_000)}`,
  `"${"x".repeat(100_000)}"`,
  "1e400",
  '"\\ud800"',
  "\ufeff{}",
] as const;

const ODD_HEADERS = [
  ["Range", "bytes=0-0"],
  ["Range", "bytes=-5"],
  ["Range", "bytes=9-1,zz"],
  ["Last-Event-ID", "1"],
  ["Last-Event-ID", "-1"],
  ["Last-Event-ID", "x".repeat(500)],
  ["Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
  ["Traceparent", "ff-00-00-00"],
  ["X-Request-Id", "<script>"],
  ["X-Request-Id", "x".repeat(1_000)],
  ["Accept", "nothing/at-all"],
  ["Accept-Encoding", "br;q=nan"],
  ["Origin", "null"],
  ["If-None-Match", "*"],
  ["If-None-Match", 'W/"x'],
  ["Cf-Access-Jwt-Assertion", "a.b.c"],
  ["ce-specversion", "0.3"],
  ["ce-id", "%E0%A4%A"],
  ["Cookie", "a=b; ".repeat(100)],
  ["Content-Encoding", "gzip"],
] as const;

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/** Generates one request to one of the calls. */
export function fuzzRequest(
  prng: Prng,
  calls: readonly DescribedCall[],
  ingredients: Ingredients,
): FuzzedRequest {
  const call = oneOf(prng, calls);
  const method = prng.chance(0.03) ? oneOf(prng, METHODS) : call.method;
  const path = call.path.replaceAll(/\{(\w+)\}/g, (_part, name: string) =>
    pathPart(prng, fitting(call.path, name, ingredients)),
  );
  const query = queryOf(prng, call, ingredients);
  const mayHaveBody = method !== "GET" && method !== "HEAD";
  return {
    id: call.id,
    method,
    path: query === "" ? path : `${path}?${query}`,
    headers: headersOf(prng, call, ingredients),
    body: mayHaveBody && prng.chance(call.takesBody ? 0.9 : 0.2) ? oddBody(prng) : null,
  };
}

/** Known values that fit the parameter: run ids for a run, names for a name. */
function fitting(path: string, parameter: string, { known }: Ingredients): readonly string[] {
  if (parameter !== "id") return known.filter((text) => !/^(\/|(run|dlt|dlv)_)/.test(text));
  const prefix = path.includes("/runs/")
    ? "run_"
    : path.includes("/dead-letters/")
      ? "dlt_"
      : "dlv_";
  return known.filter((text) => text.startsWith(prefix));
}

function pathPart(prng: Prng, known: readonly string[]): string {
  if (known.length > 0 && prng.chance(0.7)) return encodeURIComponent(oneOf(prng, known));
  const text = oneOf(prng, NASTY);
  // Unencoded, if the text is a valid path segment; an empty segment is another path.
  if (prng.chance(0.2) && /^[\w%.-]+$/.test(text)) return text;
  return encoded(text);
}

function queryOf(prng: Prng, call: DescribedCall, ingredients: Ingredients): string {
  const parts = call.parameters
    .filter((parameter) => parameter.in === "query" && prng.chance(0.4))
    .flatMap((parameter) => Array.from({ length: prng.chance(0.05) ? 2 : 1 }, () => parameter))
    .map((parameter) => `${parameter.name}=${encoded(valueOf(prng, parameter, ingredients))}`);
  if (prng.chance(0.05))
    parts.push(`${encoded(oneOf(prng, NASTY))}=${encoded(oneOf(prng, NASTY))}`);
  if (prng.chance(0.01)) parts.push("%", "&&=");
  return parts.join("&");
}

function valueOf(prng: Prng, { schema }: DescribedParameter, { known }: Ingredients): string {
  if (prng.chance(0.15)) return oneOf(prng, NASTY);
  const options = schema["enum"];
  if (Array.isArray(options)) return String(oneOf(prng, options));
  if (schema["type"] === "boolean") return prng.chance(0.5) ? "true" : "false";
  if (schema["type"] === "integer") return String(prng.between(-1, 300));
  if (String(schema["pattern"]).includes("ms|s|m")) return oneOf(prng, DURATIONS);
  return known.length > 0 && prng.chance(0.6) ? oneOf(prng, known) : oneOf(prng, NASTY);
}

function headersOf(
  prng: Prng,
  call: DescribedCall,
  ingredients: Ingredients,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const parameter of call.parameters) {
    if (parameter.in !== "header" || !prng.chance(0.4)) continue;
    headers[parameter.name] = presentable(valueOf(prng, parameter, ingredients));
  }
  if (prng.chance(0.7)) headers["Content-Type"] = oneOf(prng, CONTENT_TYPES);
  for (let more = prng.between(0, 3); more > 0; more -= 1) {
    const [name, value] = oneOf(prng, ODD_HEADERS);
    headers[name] = value;
  }
  // The first authorization has all rights.
  const [all = ""] = ingredients.authorizations;
  headers["Authorization"] = prng.chance(0.85) ? all : oneOf(prng, ingredients.authorizations);
  return headers;
}

export function oddBody(prng: Prng): string | Uint8Array<ArrayBuffer> {
  if (prng.chance(0.8)) return oneOf(prng, BODIES);
  return Uint8Array.from({ length: prng.between(0, 2_000) }, () => prng.between(0, 256));
}

/** A lone surrogate has no encoding. */
function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/** Reduces a text to characters that a client can put into a header. */
export function presentable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?").trim();
}

export function oneOf<T>(prng: Prng, values: readonly T[]): T {
  const value = values[prng.between(0, values.length)];
  if (value === undefined) throw new RangeError("there is nothing to choose from");
  return value;
}
