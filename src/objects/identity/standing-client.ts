/**
 * Checks that an admitted caller is still admitted, for streams that outlive their request. Tokens
 * and sessions are cached for five seconds (`tokens-client.ts`, `sessions-client.ts`), so that a
 * check per message is cheap.
 */
import type { Credential } from "../../domain/identity.ts";
import { isSessionOpen } from "./sessions-client.ts";
import { isExpired, madeTokenOf } from "./tokens-client.ts";
import { log } from "../../platform/log.ts";

/**
 * Admission of a caller. `ended`: the token was deleted or has expired, or the session is over.
 * `unknown`: the identity object cannot be reached.
 */
export type Standing = "let_in" | "ended" | "unknown";

/** Returns the admission of the holder of this credential. Never rejects. */
export async function standingOf(
  env: Env,
  { madeToken, session, expiresAt }: Credential,
): Promise<Standing> {
  try {
    if (expiresAt !== null && expiresAt <= Date.now()) return "ended";
    const token = madeToken === null ? null : await madeTokenOf(env, madeToken);
    if (madeToken !== null && (token === null || isExpired(token))) return "ended";
    return session === null || (await isSessionOpen(env, session)) ? "let_in" : "ended";
  } catch (error) {
    log("warn", "whether somebody still may listen is not known", { error });
    return "unknown";
  }
}
