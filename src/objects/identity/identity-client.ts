/**
 * Computes MACs from the deployment's key. Each purpose has a derived key of its own (HKDF, RFC
 * 5869), so that knowledge about one says nothing about another. The deployment's key itself never
 * leaves this file.
 *
 * The key never changes, so an isolate asks once and caches the derived keys: a run costs no call
 * and no row. An isolate that has not asked before can derive nothing while the object is
 * unreachable. The call then rejects like any failed infrastructure, the trigger is refused as
 * `overloaded`, and a task's attempt is given back.
 */
import { refuseNewer } from "../../domain/version.ts";
import { callWithRetries, isTransient } from "../../platform/calls.ts";
import type { IdentityRpc } from "./identity-rpc.ts";

/**
 * Purposes of derived keys.
 *
 * - `run ids`: ids of triggers with a key (`triggers/run-id.ts`).
 * - `completion urls`: the second signature of completion URLs, checked before the run is asked.
 * - `api tokens`: digests of created tokens. `configured tokens`: ids that sessions keep of tokens
 *   in the configuration.
 * - `session cookies`: seals of cookies. `session ids`: digests of cookies.
 * - `recommendation tokens`: signatures of tokens in answers. `recommendation users`: hashes of
 *   users in such tokens. `recommendation cache`: keys of cached results.
 */
export type KeyPurpose =
  | "run ids"
  | "completion urls"
  | "api tokens"
  | "configured tokens"
  | "session cookies"
  | "session ids"
  | "recommendation tokens"
  | "recommendation users"
  | "recommendation cache";

const NAME = "identity";
/** Separates these keys from other keys derived from the same bytes. */
const SALT = new TextEncoder().encode("peach deployment key v1");

/**
 * Derived keys of this isolate; an isolate serves one deployment. Values only: a promise of one
 * invocation must not be awaited in another.
 */
const derived = new Map<KeyPurpose, CryptoKey>();

/** Reports that the deployment's key is unavailable. The caller has to retry. */
export class IdentityUnreachableError extends Error {
  override readonly name = "IdentityUnreachableError";
  readonly retryable = true;

  constructor(cause: unknown) {
    super(`the identity object cannot be reached: ${String(cause)}`, { cause });
  }
}

/**
 * Calls the object, with bounded retries. Rejects with `IdentityUnreachableError` when all tries
 * fail.
 */
export async function callIdentity<T>(
  env: Env,
  call: (identity: IdentityRpc) => Promise<T>,
): Promise<T> {
  try {
    return await callWithRetries("the identity object", () => call(env.IDENTITY.getByName(NAME)));
  } catch (error) {
    throw isTransient(error) ? new IdentityUnreachableError(error) : error;
  }
}

/**
 * Computes the HMAC-SHA-256 of the text under the key for this purpose: 32 bytes. Rejects when the
 * identity object cannot be reached.
 */
export async function macOf(
  env: Env,
  purpose: KeyPurpose,
  text: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const key = derived.get(purpose) ?? (await derive(env, purpose));
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text)));
}

async function derive(env: Env, purpose: KeyPurpose): Promise<CryptoKey> {
  const answer = await callIdentity(env, (identity) => identity.deploymentKey());
  refuseNewer(answer, "the deployment's key");
  const secret = await crypto.subtle.importKey(
    "raw",
    Uint8Array.fromHex(answer.key),
    "HKDF",
    false,
    ["deriveBits"],
  );
  const info = new TextEncoder().encode(purpose);
  const bits = await crypto.subtle.deriveBits(
    { name: "HKDF", hash: "SHA-256", salt: SALT, info },
    secret,
    256,
  );
  const key = await crypto.subtle.importKey("raw", bits, { name: "HMAC", hash: "SHA-256" }, false, [
    "sign",
  ]);
  derived.set(purpose, key);
  return key;
}
