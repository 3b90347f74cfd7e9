/**
 * Rechecks authorization during long answers (streams and waits), not only at their start. A stream
 * ends when its token is deleted, expires or loses the right, or when its session ends. A WebSocket
 * lives in the run's own object, which makes the same check: see
 * `objects/run/websocket-subscribers.ts`.
 */
import type { Context } from "hono";
import { actorKey } from "../../domain/actor.ts";
import { hasRight, type Right } from "../../domain/scope.ts";
import { identify } from "./authenticate.ts";
import type { HttpEnv } from "../http-env.ts";

/**
 * Passes the stream through until its reader is no longer authorized. The check runs with each
 * chunk and costs one digest, because lookups of tokens and sessions are cached for five seconds.
 *
 * ```ts
 * return c.body(whileAuthorized(c, "read", stream), 200);
 * ```
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

/**
 * Checks whether the credentials of the request still identify the same caller with this right.
 */
export async function isStillAuthorized(c: Context<HttpEnv>, right: Right): Promise<boolean> {
  const caller = await identify(c);
  if ("problem" in caller) return false;
  return actorKey(caller) === actorKey(c.get("caller")) && hasRight(caller.scopes, right);
}
