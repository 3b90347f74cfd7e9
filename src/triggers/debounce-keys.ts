/**
 * Idempotency keys of a task whose windows have a `debounce.key`. The same key with another payload
 * is refused, but the payload decides the window, and a window knows its own keys only. So a key is
 * bound to the window of its first payload before the trigger goes there. A trigger of another
 * window asks the run of the first one:
 *
 * - The run took the key: refused with `idempotency_mismatch`.
 * - The first trigger may still be on its way: refused with `overloaded`, to be sent again.
 * - Nobody took it, since the first trigger was refused or its caller died: the key is bound anew.
 */
import type { RunId } from "../domain/ids.ts";
import { ok, refuse, type Result } from "../domain/problem.ts";
import type { TriggerKey } from "../domain/trigger-key.ts";
import {
  bindingsName,
  type DebounceRpc,
  type KeyBinding,
} from "../objects/debounce/debounce-rpc.ts";
import type { callRun } from "../objects/run/run-client.ts";
import { callWithRetries } from "../platform/calls.ts";
import { idempotencyMismatch } from "./checked-trigger.ts";
import { answered, OVERLOADED } from "./trigger-payload.ts";

const WHAT = "the window of a debounced task";

/** Dependencies of one accepting invocation. */
interface KeyDependencies {
  readonly env: Env;
  readonly callRun: typeof callRun;
}

/** A key on its way to a window. */
interface KeyOfWindow {
  readonly task: string;
  readonly key: TriggerKey;
  /** Digest of the key. */
  readonly digest: string;
  /** Name of the window's object. */
  readonly window: string;
  /** Retention of the binding. Milliseconds. */
  readonly keepMs: number;
}

/** Binds the key to the window. Refuses a key that a run of another window has, or may get. */
export async function bindKey(
  { env, callRun }: KeyDependencies,
  { task, key, digest, window, keepMs }: KeyOfWindow,
): Promise<Result<null>> {
  const own = env.DEBOUNCES.idFromName(window).toString();
  let instead: string | null = null;
  for (;;) {
    const request = { key: digest, window: own, instead, keepMs };
    const bindings = bindingsName(task, digest);
    const binding = callWithRetries(WHAT, () => env.DEBOUNCES.getByName(bindings).bindKey(request));
    const answer: Result<KeyBinding> = await answered(
      null,
      binding.catch((error: unknown) => {
        if (isOfOlderCode(error)) return { window: own, isNew: true };
        throw error;
      }),
    );
    if (!answer.ok) return answer;
    const bound: KeyBinding = answer.value;
    if (bound.window === own) return ok(null);
    const id = env.DEBOUNCES.idFromString(bound.window);
    const takenBy = await answered(
      null,
      runOfKey(callRun, env, () => env.DEBOUNCES.get(id), digest),
    );
    if (!takenBy.ok) return takenBy;
    if (takenBy.value !== null) return refuse(idempotencyMismatch(task, key, takenBy.value));
    if (bound.isNew) return refuse(OVERLOADED);
    instead = bound.window;
  }
}

/** True if the object runs code of a release that bound no keys, during a deploy. */
function isOfOlderCode(error: unknown): boolean {
  return error instanceof TypeError && error.message.includes("does not implement the method");
}

/** Finds the run of a window that took the key with this digest; null if none is known. */
export async function runOfKey(
  call: typeof callRun,
  env: Env,
  window: () => Pick<DebounceRpc, "namedFor">,
  digest: string,
): Promise<RunId | null> {
  const runId = await callWithRetries(WHAT, () => window().namedFor(digest));
  if (runId === null) return null;
  const taken = await call(env, runId, (run) =>
    run.joinedBefore({ nonce: "only asks", key: digest }),
  );
  return taken === null ? null : runId;
}
