/** The configuration of stores: variables and secrets of the worker's `env`, named by options. */
import type { Scope } from "./connections.ts";
import { StoreRefusedError, type StoreName } from "./errors.ts";

/** Reads a variable. Throws `StoreRefusedError` if it is not set. */
export function requiredSetting(scope: Scope, store: StoreName, name: string): string {
  const value = setting(scope, name);
  if (value !== null) return value;
  throw new StoreRefusedError(
    store,
    "not_configured",
    `${store}() needs the variable ${name}, which is not set. Add ${name}=… to .dev.vars for \`npm run dev\`, and run \`wrangler secret put ${name}\` for the deployed worker.`,
  );
}

/** Reads a variable; null if it is not set. */
export function setting(scope: Scope, name: string): string | null {
  const value: unknown = Reflect.get(scope.env, name);
  return typeof value === "string" && value !== "" ? value : null;
}

/**
 * Reads a store that a test has put in the place of the variable with the URL: an object with the
 * store's methods. The platform's own variables are strings. Null without one.
 */
export function standIn(scope: Scope, name: string): object | null {
  const value: unknown = Reflect.get(scope.env, name);
  return typeof value === "object" ? value : null;
}

/** Calls a method of a stand-in. Rejects if it has no such method. */
export async function callStandIn(
  store: StoreName,
  instead: object,
  method: string,
  given: readonly unknown[],
): Promise<unknown> {
  const called: unknown = Reflect.get(instead, method);
  if (typeof called !== "function")
    throw new TypeError(`the ${store} of this test has no method ${method}`);
  const answer: unknown = await Reflect.apply(called, instead, given);
  return answer;
}

/** An address of a store, and the secrets that no message may hold. */
export interface Address {
  readonly url: URL;
  readonly secrets: readonly string[];
}

/** Reads the address in a variable. Throws `StoreRefusedError` if it is none. */
export function address(
  scope: Scope,
  store: StoreName,
  name: string,
  protocols: readonly string[],
): Address {
  const text = requiredSetting(scope, store, name);
  const url = URL.parse(text);
  if (url === null || !protocols.includes(url.protocol))
    throw new StoreRefusedError(
      store,
      "not_configured",
      `the variable ${name} is no address of ${store}: it begins with ${protocols.map((one) => `${one}//`).join(" or ")}.`,
    );
  const { username, password } = url;
  const secrets = [password, username].flatMap((part) => {
    if (part === "") return [];
    const decoded = decodedPart(part);
    if (decoded !== null) return [part, decoded];
    throw new StoreRefusedError(
      store,
      "not_configured",
      `the variable ${name} has a % that escapes nothing: write %25 for it in user and password.`,
    );
  });
  return { url, secrets };
}

/** Decodes a part of an address; null for a part with a `%` that escapes nothing. */
function decodedPart(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

/** Lists the secrets in a token: the parts, and the form of the token in HTTP's Basic. */
export function secretsOf(token: string | null): readonly string[] {
  if (token === null) return [];
  return [...token.split(":"), new TextEncoder().encode(token).toBase64()];
}

/** Takes secrets out of a message of a client or a server. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .toSorted((one, other) => other.length - one.length)
    .reduce((left, secret) => (secret === "" ? left : left.replaceAll(secret, "***")), text);
}
