/** The id of the run that a trigger starts or finds. */
import { runIdFromBytes, type RunId } from "../domain/ids.ts";
import { triggerKeyInput, type TriggerKey } from "../domain/trigger-key.ts";
import { macOf } from "../objects/identity/identity-client.ts";

/**
 * Derives the run's id from task and key; without a key, the id is random. The deployment's key is
 * part of the derivation, so an outsider cannot guess a run's id from its idempotency key. Rejects
 * when the identity object cannot be reached.
 */
export async function runIdFor(env: Env, task: string, key: TriggerKey | null): Promise<RunId> {
  if (key === null) return runIdFromBytes(crypto.getRandomValues(new Uint8Array(16)));
  return runIdFromBytes(await macOf(env, "run ids", triggerKeyInput(task, key)));
}
