/** Which run a trigger starts or finds. */
import { runIdFromBytes, type RunId } from "../domain/ids.ts";
import { triggerKeyInput, type TriggerKey } from "../domain/trigger-key.ts";
import { macOf } from "../objects/identity/identity-client.ts";

/**
 * The id of the run: a key belongs to its task, no key is a fresh run. It is derived with the deployment's key, so nobody outside can
 * tell the id of a run by what its key may be. Rejects when the identity object cannot be reached.
 */
export async function runIdFor(env: Env, task: string, key: TriggerKey | null): Promise<RunId> {
  if (key === null) return runIdFromBytes(crypto.getRandomValues(new Uint8Array(16)));
  return runIdFromBytes(await macOf(env, "run ids", triggerKeyInput(task, key)));
}
