/**
 * The signed token of a completion URL. It names one attempt of one task and an expiry time, and is
 * useless for any other attempt. The token has two signatures. The key of the first is the run's
 * own: random, stored with the run and deleted with it. So no secret has to be configured, and
 * rotating API tokens breaks no completion URL. The second (`seal`) is made with the deployment's
 * key and checked first: a forged token reaches no run and creates no object.
 */
import { parseRunId, type RunId } from "../../domain/ids.ts";
import type { GrantedLease } from "../../domain/run/machine-events.ts";
import { macOf } from "../../objects/identity/identity-client.ts";

/** The claims of a token: an attempt and its expiry (epoch milliseconds). */
export interface CompletionClaims extends GrantedLease {
  readonly runId: RunId;
  readonly expiresAt: number;
}

export interface PresentedCompletion extends CompletionClaims {
  readonly signed: string;
  readonly signature: Uint8Array;
  readonly seal: Uint8Array;
}

/**
 * Length of the second signature in bytes. A short one is enough: it only keeps strangers away,
 * while the first one decides.
 */
const SEAL_BYTES = 16;

/** `run_….0.1.1.1795….signature.seal` */
async function completionToken(env: Env, key: string, claims: CompletionClaims): Promise<string> {
  const { runId, ordinal, attempt, token, expiresAt } = claims;
  const signed = [runId, ordinal, attempt, token, expiresAt].join(".");
  const signature = await sign(key, signed);
  return [signed, textOf(signature), textOf(await sealOf(env, signed, signature))].join(".");
}

/** The URL that accepts the report. Rejects when the identity object cannot be reached. */
export async function completionUrl(
  env: Env,
  origin: string,
  key: string,
  claims: CompletionClaims,
): Promise<string> {
  return `${origin}/complete/${await completionToken(env, key, claims)}`;
}

/** Parses a token without checking its signatures. Null if the text is not a token. */
export function parseCompletionToken(text: string): PresentedCompletion | null {
  const match =
    /^((run_\w{26})\.(\d{1,9})\.(\d{1,9})\.(\d{1,9})\.(\d{1,15}))\.([\w-]{43})\.([\w-]{22})$/.exec(
      text,
    );
  const [, signed = "", run = "", ordinal, attempt, token, expiresAt, signature = "", seal = ""] =
    match ?? [];
  const runId = parseRunId(run);
  if (runId === null) return null;
  try {
    return {
      runId,
      ordinal: Number(ordinal),
      attempt: Number(attempt),
      token: Number(token),
      expiresAt: Number(expiresAt),
      signed,
      signature: bytesOf(signature),
      seal: bytesOf(seal),
    };
  } catch {
    return null;
  }
}

/**
 * Checks the deployment's signature of a token, without calling the run. Rejects when the identity
 * object cannot be reached.
 */
export async function isOurs(
  env: Env,
  { signed, signature, seal }: PresentedCompletion,
): Promise<boolean> {
  return isEqual(await sealOf(env, signed, signature), seal);
}

/** Checks the run's signature of a token. */
export async function isSignedWith(
  key: string,
  { signed, signature }: PresentedCompletion,
): Promise<boolean> {
  return isEqual(await sign(key, signed), signature);
}

function isEqual(expected: Uint8Array, given: Uint8Array): boolean {
  return expected.byteLength === given.byteLength && crypto.subtle.timingSafeEqual(expected, given);
}

/** Decodes the text of `textOf`. Throws for any other spelling: each URL has exactly one token. */
function bytesOf(text: string): Uint8Array {
  const bytes = Uint8Array.fromBase64(text, { alphabet: "base64url" });
  if (textOf(bytes) !== text) throw new SyntaxError("bits are left over");
  return bytes;
}

function textOf(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

async function sealOf(env: Env, signed: string, signature: Uint8Array): Promise<Uint8Array> {
  return (await macOf(env, "completion urls", `${signed}.${textOf(signature)}`)).subarray(
    0,
    SEAL_BYTES,
  );
}

async function sign(key: string, text: string): Promise<Uint8Array> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", Uint8Array.fromHex(key), algorithm, false, [
    "sign",
  ]);
  return new Uint8Array(
    await crypto.subtle.sign(algorithm, imported, new TextEncoder().encode(text)),
  );
}
