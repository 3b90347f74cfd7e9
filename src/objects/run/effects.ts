/**
 * The effects of a run object that leave it. Each may fail for good here: the state still owes it, and the alarm sends it again
 * (`redispatchAt`); each may happen twice: the second finds nothing to claim. So a few quick tries are enough.
 */
import type { RunId } from "../../domain/ids.ts";
import type { ChildRun } from "../../domain/run/state.ts";
import type { Effect } from "../../domain/run/machine-events.ts";
import { FORMAT_VERSION } from "../../domain/version.ts";
import type { ExecutorRpc } from "../../execution/long-lane/executor-rpc.ts";
import { SEND_LIMIT_MS, within } from "../../platform/calls.ts";
import { queueWatch } from "./queue-client.ts";
import { callRun } from "./run-client.ts";
import type { FinalNotice } from "./run-rpc.ts";

const PAUSES_MS = [100, 500, 2_000] as const;

/** One call of the queue takes so many messages. */
const BATCH = 100;

/** A send that has been under way for so long, in milliseconds, is not waited for any more: its run may have been reset. */
const ALONE_MS = 1_000;

/**
 * What the runs of this isolate have for the queue while one of them is sending. It takes along what the others left, and they go: a
 * message is a small part of a call where many runs begin at once. Plain data only, for an object cannot wait for another's call.
 */
const outgoing: {
  messages: MessageSendRequest<{ readonly v: number; readonly run_id: RunId }>[];
  sendingSince: number | null;
} = {
  messages: [],
  sendingSince: null,
};

/** Tells the queue that the run has work for so many drivers (at most 100). */
export async function dispatchRun(env: Env, runId: RunId, drivers: number): Promise<void> {
  for (let driver = 0; driver < drivers; driver++)
    outgoing.messages.push({ body: { v: FORMAT_VERSION, run_id: runId }, contentType: "json" });
  const { sendingSince } = outgoing;
  if (sendingSince !== null && Math.abs(Date.now() - sendingSince) < ALONE_MS) return;
  while (outgoing.messages.length > 0) {
    outgoing.sendingSince = Date.now();
    const batch = outgoing.messages.splice(0, BATCH);
    const runs = batch.map(({ body }) => body.run_id).join(", ");
    await tried("dispatch", runs, async () => {
      const sending: Promise<QueueSendBatchResponse | undefined> = env.RUN_QUEUE.sendBatch(batch);
      const answer = await within(SEND_LIMIT_MS, "the queue", sending);
      // What is sent is sent: an answer without the backlog is no reason to send again.
      if (answer !== undefined) queueWatch.told(answer.metadata.metrics, Date.now());
    });
  }
  outgoing.sendingSince = null;
}

type ExecutorStart = Omit<Extract<Effect, { readonly type: "start_executor" }>, "type">;

/** Has one task of the long lane run in the executor object of this name. */
export async function startExecutor(
  env: Env,
  runId: RunId,
  { ordinal, name, trial }: ExecutorStart,
): Promise<void> {
  await tried("start executor", runId, async () => {
    const executor: ExecutorRpc = env.EXECUTORS.getByName(name);
    await within(SEND_LIMIT_MS, "an executor object", executor.start(runId, ordinal, trial));
  });
}

/** Runs asked, or told, at the same time: there may be thousands, and an object has six connections. */
const CALLED_AT_ONCE = 24;

/** Asks other runs to say when they are final; what those come to that are already, or are no more, a few at a time. */
export async function* watchRuns(
  env: Env,
  by: RunId,
  runIds: readonly RunId[],
): AsyncGenerator<FinalNotice[]> {
  yield* answersOf(runIds, "watch", (runId) => callRun(env, runId, (run) => run.watch(by)));
}

/** Tells other runs that this one is final; those that have answered, a few at a time. */
export async function* tellRuns(
  env: Env,
  final: FinalNotice,
  runIds: readonly RunId[],
): AsyncGenerator<RunId[]> {
  yield* answersOf(runIds, "tell", async (runId) => {
    await callRun(env, runId, (run) => run.awaited(final));
    return runId;
  });
}

/**
 * Cancels runs, with those that they have triggered; one that has ended, or is no more, is as well. Rejects if one cannot be told.
 * `call`: the same when it is done again, so that who was retried since goes on.
 */
export async function cancelRuns(env: Env, runs: readonly ChildRun[], call: string): Promise<void> {
  await Promise.all(
    runs.map(({ runId }) => callRun(env, runId, (run) => run.cancel({ children: true, call }))),
  );
}

/** Pays a debt. Never rejects: until it is acknowledged, the alarm has it paid again. */
export async function payDebt(runId: RunId, what: string, pay: () => Promise<void>): Promise<void> {
  try {
    await pay();
  } catch (error) {
    const message = `${what} failed; the run's alarm will repeat it`;
    console.warn(JSON.stringify({ message, run: runId, error: String(error) }));
  }
}

/** What the calls of these runs have answered, but for nothing; a call that fails is made again by the alarm. */
async function* answersOf<T>(
  runIds: readonly RunId[],
  what: string,
  call: (runId: RunId) => Promise<T | null>,
): AsyncGenerator<T[]> {
  for (let from = 0; from < runIds.length; from += CALLED_AT_ONCE) {
    const asked = runIds.slice(from, from + CALLED_AT_ONCE).map(async (runId) => {
      try {
        return await call(runId);
      } catch (error) {
        const message = `${what} failed; the run's alarm will repeat it`;
        console.warn(JSON.stringify({ message, run: runId, error: String(error) }));
        return null;
      }
    });
    yield (await Promise.all(asked)).filter((answer) => answer !== null);
  }
}

/** `runs`: those that it is for, as logs name them. */
async function tried(what: string, runs: string, perform: () => Promise<void>): Promise<void> {
  for (const pauseMs of PAUSES_MS) {
    try {
      await perform();
      return;
    } catch (error) {
      console.warn(
        JSON.stringify({
          message: `${what} failed, trying again`,
          run: runs,
          error: String(error),
        }),
      );
      await scheduler.wait(pauseMs * (0.5 + Math.random()));
    }
  }
  console.error(
    JSON.stringify({ message: `${what} failed; the run's alarm will repeat it`, run: runs }),
  );
}
