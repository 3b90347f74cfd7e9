/**
 * What everybody else makes of the deployment's key: MACs, each under a key of its own that is derived for its purpose (HKDF, RFC 5869),
 * so that what is known of one says nothing about another. The key itself goes no further than this file.
 *
 * It never changes, so an isolate asks for it once and keeps it: nothing is asked or written for a run. As long as the object cannot be
 * reached, an isolate that has not asked before can derive nothing. Nothing is guessed then: the call rejects as other surroundings do,
 * the trigger is refused as `overloaded`, and a task's attempt is given back.
 */
import { refuseNewer } from "../../domain/version.ts";
import { callWithRetries, isPassing } from "../../platform/calls.ts";
import type { IdentityRpc } from "./identity-rpc.ts";

/**
 * - `run ids`: of triggers with a key (`triggers/run-id.ts`).
 * - `completion urls`: their second signature, which is looked at before the run is asked.
 * - `api tokens`: what tokens that were made are found by. `configured tokens`: what sessions know those of the configuration by.
 * - `session cookies`: their seal. `session ids`: what a session is found by.
 */
export type KeyPurpose =
  | "run ids"
  | "completion urls"
  | "api tokens"
  | "configured tokens"
  | "session cookies"
  | "session ids";

const NAME = "identity";
/** Apart from whatever else may be derived from the same bytes. */
const SALT = new TextEncoder().encode("peach deployment key v1");

/** Of this isolate; one isolate serves one deployment. Values only: a promise of one invocation must not be awaited in another. */
const derived = new Map<KeyPurpose, CryptoKey>();

/** Nobody can say now what the deployment's key is. Whatever needed it is to be asked for again. */
export class IdentityUnreachableError extends Error {
  override readonly name = "IdentityUnreachableError";
  readonly retryable = true;

  constructor(cause: unknown) {
    super(`the identity object cannot be reached: ${String(cause)}`, { cause });
  }
}

/** Calls the object, with bounded retries. Rejects with `IdentityUnreachableError` when the surroundings keep failing. */
export async function callIdentity<T>(
  env: Env,
  call: (identity: IdentityRpc) => Promise<T>,
): Promise<T> {
  try {
    return await callWithRetries("the identity object", () => call(env.IDENTITY.getByName(NAME)));
  } catch (error) {
    throw isPassing(error) ? new IdentityUnreachableError(error) : error;
  }
}

/** The HMAC-SHA-256 of the text under the key for this purpose: 32 bytes. Rejects when the identity object cannot be reached. */
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
