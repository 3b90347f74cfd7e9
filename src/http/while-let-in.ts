/**
 * Streams that last: whoever listens is let in while the answer goes on, not only when it begins. What a token that was deleted, has
 * expired or has lost its right would still be told is not told; so it is for a session that has ended. (A WebSocket is held by the
 * run's own object, which asks the same: see `run/socket-audience.ts`.)
 */
import type { Context } from "hono";
import { actorKey } from "../core/actor.ts";
import { hasRight, type Right } from "../core/scope.ts";
import { identify } from "./auth.ts";
import type { HttpEnv } from "./http-env.ts";

/**
 * The stream, up to where its listener is let in no more. Who that is is asked with each chunk, which costs a digest: what is known of
 * tokens and sessions is kept for five seconds.
 */
export function whileLetIn(
  c: Context<HttpEnv>,
  right: Right,
  stream: ReadableStream<Uint8Array>,
): ReadableStream<Uint8Array> {
  const listener = actorKey(c.get("caller"));
  return stream.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      async transform(chunk, controller) {
        const caller = await identify(c);
        const isLetIn = !("problem" in caller) && actorKey(caller) === listener && hasRight(caller.scopes, right);
        if (isLetIn) controller.enqueue(chunk);
        else controller.terminate();
      },
    }),
  );
}
