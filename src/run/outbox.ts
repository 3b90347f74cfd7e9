/**
 * The effects of a run object that leave it. Each may fail for good here: the state still owes it, and the alarm sends it again
 * (`redispatchAt`); each may happen twice: the second finds nothing to claim. So a few quick tries are enough.
 */
import type { RunId } from "../core/ids.ts";
import type { ExecutorRpc } from "../task/executor-rpc.ts";

const PAUSES_MS = [100, 500, 2_000] as const;

/** Tells the queue that the run has work for so many drivers (at most 100: one batch). */
export async function dispatchRun(env: Env, runId: RunId, drivers: number): Promise<void> {
  const body = { run_id: runId };
  await tried("dispatch", runId, async () => {
    if (drivers === 1) await env.RUN_QUEUE.send(body, { contentType: "json" });
    else await env.RUN_QUEUE.sendBatch(Array.from({ length: drivers }, () => ({ body, contentType: "json" })));
  });
}

/** Has one task of the long lane run in the executor object of this name. */
export async function startExecutor(env: Env, runId: RunId, ordinal: number, name: string): Promise<void> {
  await tried("start executor", runId, async () => {
    const executor: ExecutorRpc = env.EXECUTORS.getByName(name);
    await executor.start(runId, ordinal);
  });
}

async function tried(what: string, runId: RunId, perform: () => Promise<void>): Promise<void> {
  for (const pauseMs of PAUSES_MS) {
    try {
      await perform();
      return;
    } catch (error) {
      console.warn(JSON.stringify({ message: `${what} failed, trying again`, run: runId, error: String(error) }));
      await scheduler.wait(pauseMs * (0.5 + Math.random()));
    }
  }
  console.error(JSON.stringify({ message: `${what} failed; the run's alarm will repeat it`, run: runId }));
}
