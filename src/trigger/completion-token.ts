/**
 * The signed token of a completion URL: it names one attempt of one task, says when its time is over, and is worth nothing for any
 * other. The key is the run's own, random, kept with the run and deleted with it; so no secret needs to be set, and changing the API's
 * tokens breaks no URL that somebody holds.
 */
import { parseRunId, type RunId } from "../core/ids.ts";

/** Which attempt may be completed, until when (epoch milliseconds). */
export interface CompletionClaims {
  readonly runId: RunId;
  readonly ordinal: number;
  readonly attempt: number;
  readonly token: number;
  readonly expiresAt: number;
}

export interface PresentedCompletion extends CompletionClaims {
  readonly signed: string;
  readonly signature: Uint8Array;
}

/** A key for a new run, as hex. */
export function newCompletionKey(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toHex();
}

/** `run_….0.1.1.1795….signature` */
async function completionToken(key: string, claims: CompletionClaims): Promise<string> {
  const { runId, ordinal, attempt, token, expiresAt } = claims;
  const signed = [runId, ordinal, attempt, token, expiresAt].join(".");
  return `${signed}.${(await sign(key, signed)).toBase64({ alphabet: "base64url", omitPadding: true })}`;
}

/** Where the holder of the token reports to. */
export async function completionUrl(origin: string, key: string, claims: CompletionClaims): Promise<string> {
  return `${origin}/complete/${await completionToken(key, claims)}`;
}

/** What a token says, its signature unchecked; null if it is none. */
export function parseCompletionToken(text: string): PresentedCompletion | null {
  const match = /^((run_\w{26})\.(\d{1,9})\.(\d{1,9})\.(\d{1,9})\.(\d{1,15}))\.([\w-]{43})$/.exec(text);
  const [, signed = "", run = "", ordinal, attempt, token, expiresAt, signature = ""] = match ?? [];
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
      signature: Uint8Array.fromBase64(signature, { alphabet: "base64url" }),
    };
  } catch {
    return null;
  }
}

/** Whether the token was signed with this key. */
export async function isSignedWith(key: string, { signed, signature }: PresentedCompletion): Promise<boolean> {
  const expected = await sign(key, signed);
  return expected.byteLength === signature.byteLength && crypto.subtle.timingSafeEqual(expected, signature);
}

async function sign(key: string, text: string): Promise<Uint8Array> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", Uint8Array.fromHex(key), algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign(algorithm, imported, new TextEncoder().encode(text)));
}
