/**
 * Answers that last: whoever listens or waits is let in until the end, not only when it begins. What a token that was deleted, has
 * expired or has lost its right would still be told is not told; so it is for a session that has ended. (A WebSocket is held by the
 * run's own object, which asks the same: see `objects/run/websocket-subscribers.ts`.)
 */
import type { Context } from "hono";
import { actorKey } from "../../domain/actor.ts";
import { hasRight, type Right } from "../../domain/scope.ts";
import { identify } from "./authenticate.ts";
import type { HttpEnv } from "../http-env.ts";

/**
 * The stream, up to where its listener is let in no more. Who that is is asked with each chunk, which costs a digest: what is known of
 * tokens and sessions is kept for five seconds.
 */
export function whileAuthorized(
  c: Context<HttpEnv>,
  right: Right,
  stream: ReadableStream<Uint8Array>,
): ReadableStream<Uint8Array> {
  return stream.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      async transform(chunk, controller) {
        if (await isStillAuthorized(c, right)) controller.enqueue(chunk);
        else controller.terminate();
      },
    }),
  );
}

/** Whether whoever has sent the request would be let in now as they were. */
export async function isStillAuthorized(c: Context<HttpEnv>, right: Right): Promise<boolean> {
  const caller = await identify(c);
  if ("problem" in caller) return false;
  return actorKey(caller) === actorKey(c.get("caller")) && hasRight(caller.scopes, right);
}
