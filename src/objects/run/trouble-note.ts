/**
 * Durable record of the alarm's failures, and the dead letter of a run that can be neither
 * continued nor ended.
 */
import { callDeadLetters, deadLetterIdOf } from "../dead-letters/dead-letters-client.ts";
import { isTransient } from "../../platform/calls.ts";
import type { Trouble, TroubleHost } from "./alarm-trouble.ts";
import { log } from "../../platform/log.ts";

const KEY = "trouble";

/** Retention of the dead letter. */
const KEPT_MS = 30 * 86_400_000;

/** Stores the record beside the journal; both are deleted together. */
export function troubleOf(ctx: DurableObjectState, env: Env): TroubleHost {
  return {
    read: () => ctx.storage.kv.get<Trouble>(KEY) ?? null,
    write: (trouble) => {
      if (trouble === null) ctx.storage.kv.delete(KEY);
      else ctx.storage.kv.put(KEY, trouble);
    },
    isTransient,
    notEnded: (error) => {
      log("error", "the end of a broken run failed", { run_id: ctx.id.name, error });
    },
    giveUp: (error, isOver) => recordBroken(env, ctx.id.name ?? "", error, isOver),
  };
}

/**
 * Records the dead letter. Its body is a queue message for the run: a redrive wakes the run again.
 */
async function recordBroken(
  env: Env,
  runId: string,
  error: unknown,
  isOver: boolean,
): Promise<void> {
  const now = Date.now();
  const letter = {
    id: await deadLetterIdOf("run", `${runId}/broken`),
    queue: "none: a run that is broken",
    reason: "given_up",
    detail: `${runId} ${isOver ? "is over, and cannot be listed or deleted" : "can be neither carried on nor ended"}: ${String(error)}`,
    body: JSON.stringify({ run_id: runId }),
    receivedAt: now,
    attempts: 1,
    expiresAt: now + KEPT_MS,
  } as const;
  log("error", "dead letter", letter);
  await callDeadLetters(env, (letters) => letters.record(letter));
}
