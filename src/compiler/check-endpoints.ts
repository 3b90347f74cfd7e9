/** Compares endpoints with each other and with the paths that Peach itself serves. */
import { OWN_PATHS, ownPathOf } from "../domain/plan/reserved-paths.ts";
import type { EndpointConf } from "./schema.ts";
import type { ConfCheck } from "./validate.ts";

/**
 * The largest body of a signed endpoint: 25 MiB. The whole body is held in memory to verify the
 * signature. GitHub sends at most this much.
 */
const MAX_SIGNED_BODY_BYTES = 25 * 1024 ** 2;

/**
 * The decoded path of an endpoint, as requests are matched. Without `url` the path is `/` and the
 * endpoint's name.
 */
export function endpointUrl(name: string, endpoint: EndpointConf): string {
  return decodeURIComponent(endpoint.url ?? `/${name}`);
}

/**
 * Reports reserved paths, params and methods named twice, endpoints that would answer the same
 * requests, and bodies too large to verify.
 */
export function checkEndpoints(check: ConfCheck): void {
  const { conf, loaded, report } = check;
  const before: { name: string; pattern: string; methods: readonly string[] | null }[] = [];
  for (const [name, endpoint] of conf.endpoints) {
    const url = endpointUrl(name, endpoint);
    const place =
      endpoint.url === undefined
        ? `endpoints.${name}: its url ${url}`
        : `endpoints.${name}.url: ${url}`;
    const span =
      endpoint.url === undefined
        ? loaded.keySpan(["endpoints", name])
        : loaded.valueSpan(["endpoints", name, "url"]);
    const reserved = ownPathOf(url);
    if (reserved !== null) {
      report("PEACH401", span, `${place} is reserved: Peach itself serves ${reserved}`, {
        hint: `choose a url outside ${OWN_PATHS.join(", ")}`,
      });
    }
    const twice = repeated(url.match(/:\w+/g) ?? []);
    if (twice !== undefined)
      report("PEACH402", span, `${place} names the param ${twice} twice`, {
        hint: "give each param a name of its own",
      });
    const methods: readonly string[] | null = endpoint.methods ?? null;
    const repeatedMethod = repeated(methods ?? []);
    if (repeatedMethod !== undefined) {
      const index = methods?.lastIndexOf(repeatedMethod) ?? 0;
      report(
        "PEACH403",
        loaded.valueSpan(["endpoints", name, "methods", index]),
        `endpoints.${name}.methods: ${repeatedMethod} is named twice`,
        {
          hint: "remove one",
        },
      );
    }
    // Two urls collide if they differ in the names of their params only.
    const pattern = url.replaceAll(/:\w+/g, ":");
    const other = before.find((one) => one.pattern === pattern && overlap(one.methods, methods));
    if (other !== undefined) {
      const both = describeOverlap(other.methods, methods);
      report(
        "PEACH404",
        span,
        `${place} is taken: the endpoint \`${other.name}\` answers ${both} there`,
        {
          hint: "give one of them another url, or `methods` that the other has not",
          related: [
            {
              span: loaded.keySpan(["endpoints", other.name, "url"]),
              message: `\`${other.name}\` is here`,
            },
          ],
        },
      );
    }
    before.push({ name, pattern, methods });
    checkSignedBody(name, endpoint, check);
    checkCallerKey(name, endpoint, check);
  }
}

/**
 * Refuses to count requests by token on an endpoint that demands none: all callers would share one
 * limit.
 */
function checkCallerKey(name: string, endpoint: EndpointConf, { loaded, report }: ConfCheck): void {
  if (endpoint.rate_limit?.by !== "token" || endpoint.auth === "token") return;
  report(
    "PEACH406",
    loaded.valueSpan(["endpoints", name, "rate_limit", "by"]),
    `endpoints.${name}.rate_limit.by: token is for endpoints with \`auth: token\``,
    { hint: "add that, or count by ip, header.NAME or query.NAME" },
  );
}

/** Refuses a `max_body` above 25 MiB on an endpoint with a signature. */
function checkSignedBody(
  name: string,
  endpoint: EndpointConf,
  { loaded, report }: ConfCheck,
): void {
  const isSigned = typeof endpoint.auth === "object";
  if (!isSigned || endpoint.max_body === undefined || endpoint.max_body <= MAX_SIGNED_BODY_BYTES)
    return;
  const path = ["endpoints", name, "max_body"];
  report(
    "PEACH405",
    loaded.valueSpan(path),
    `endpoints.${name}.max_body: expected a size of at most 25MB beside a signature, given ${loaded.given(path)}`,
    {
      hint: "the whole body is held in memory to be verified; have large data uploaded, and its address sent",
    },
  );
}

/** Returns the first word that stands in the list twice. */
function repeated(words: readonly string[]): string | undefined {
  return words.find((word, index) => words.indexOf(word) !== index);
}

/** Compares two lists of HTTP methods; null stands for all methods. */
function overlap(a: readonly string[] | null, b: readonly string[] | null): boolean {
  return a === null || b === null || a.some((method) => b.includes(method));
}

/** Names the methods that both lists hold, for the message of `checkEndpoints`. */
function describeOverlap(a: readonly string[] | null, b: readonly string[] | null): string {
  if (a === null && b === null) return "every method";
  const methods = a === null ? b : b === null ? a : a.filter((method) => b.includes(method));
  return (methods ?? []).join(", ");
}
