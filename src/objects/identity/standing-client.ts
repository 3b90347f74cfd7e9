/**
 * Whether somebody who was let in still is: asked for who listens on, long after their request. What is known of tokens and sessions is
 * kept for five seconds (`tokens-client.ts`, `sessions-client.ts`), so it may be asked with everything that is told.
 */
import type { Credential } from "../../domain/identity.ts";
import { isSessionOpen } from "./sessions-client.ts";
import { isExpired, madeTokenOf } from "./tokens-client.ts";

/** `ended`: the token was deleted or has expired, or the session is over. `unknown`: nobody can say now. */
export type Standing = "let_in" | "ended" | "unknown";

/** How the bearer of it stands. Never rejects. */
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
    console.warn(
      JSON.stringify({
        message: "whether somebody still may listen is not known",
        error: String(error),
      }),
    );
    return "unknown";
  }
}
