/**
 * Effects that leave the run object. An effect may fail for good here: the state still requires the
 * effect, and the alarm repeats the call (`redispatchAt`). An effect may happen twice: the second
 * finds nothing to claim. A few quick retries are therefore enough.
 */
import type { RunId } from "../../domain/ids.ts";
import type { ChildRun } from "../../domain/run/state.ts";
import type { Effect } from "../../domain/run/machine-events.ts";
import { FORMAT_VERSION } from "../../domain/version.ts";
import type { ExecutorRpc } from "../executors/executor-rpc.ts";
import { callWithRetries, SEND_LIMIT_MS, type CallPolicy } from "../../platform/calls.ts";
import { queueWatch } from "./queue-client.ts";
import { callRun } from "./run-client.ts";
import type { FinalNotice } from "./run-rpc.ts";
import { log } from "../../platform/log.ts";

/** Policy of a handover. Any error is retried, then the run's alarm repeats the effect. */
const HANDOVER: CallPolicy = {
  delaysMs: [100, 500],
  limitMs: SEND_LIMIT_MS,
  isRetried: () => true,
};

/** Most messages that the platform accepts in one send. */
const BATCH = 100;

/**
 * Age of a send, in milliseconds, after which other runs no longer wait for the sender: the
 * sender's run may have been reset.
 */
const ALONE_MS = 1_000;

/**
 * Queue messages of this isolate's runs, gathered while one run is sending. The sender takes the
 * messages of the others along, and the others return. Where many runs begin at once, a message
 * costs a small part of a call. Holds plain data only, because one object cannot await another
 * object's call.
 */
const outgoing: {
  messages: MessageSendRequest<{ readonly v: number; readonly run_id: RunId }>[];
  sendingSince: number | null;
} = {
  messages: [],
  sendingSince: null,
};

/** Asks the queue for up to 100 drivers for the run. */
export async function dispatchRun(env: Env, runId: RunId, drivers: number): Promise<void> {
  for (let driver = 0; driver < drivers; driver++)
    outgoing.messages.push({ body: { v: FORMAT_VERSION, run_id: runId }, contentType: "json" });
  const { sendingSince } = outgoing;
  if (sendingSince !== null && Math.abs(Date.now() - sendingSince) < ALONE_MS) return;
  while (outgoing.messages.length > 0) {
    outgoing.sendingSince = Date.now();
    const batch = outgoing.messages.splice(0, BATCH);
    const runs = batch.map(({ body }) => body.run_id).join(", ");
    const answer = await handOver(
      "dispatch",
      runs,
      async (): Promise<QueueSendBatchResponse | undefined> => env.RUN_QUEUE.sendBatch(batch),
    );
    // The messages are sent, also if the answer lacks the backlog.
    if (answer?.metadata !== undefined) queueWatch.told(answer.metadata.metrics, Date.now());
  }
  outgoing.sendingSince = null;
}

type ExecutorStart = Omit<Extract<Effect, { readonly type: "start_executor" }>, "type">;

/** Starts a task of the long lane in the executor object with this name. */
export async function startExecutor(
  env: Env,
  runId: RunId,
  { ordinal, name, trial }: ExecutorStart,
): Promise<void> {
  await handOver("start executor", runId, async () => {
    const executor: ExecutorRpc = env.EXECUTORS.getByName(name);
    await executor.start(runId, ordinal, trial);
  });
}

/** Runs called at the same time: there may be thousands, and an object has six connections. */
const CALLED_AT_ONCE = 24;

/**
 * Subscribes `by` to the final notices of runs. Yields in batches the notices of runs that are
 * final or gone already.
 */
export async function* watchRuns(
  env: Env,
  by: RunId,
  runIds: readonly RunId[],
): AsyncGenerator<FinalNotice[]> {
  yield* answersOf(runIds, "watch", (runId) => callRun(env, runId, (run) => run.watch(by)));
}

/** Sends a final notice to the waiting runs. Yields in batches the runs that acknowledged. */
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
 * Cancels runs together with their children. Final and missing runs count as cancelled. Rejects if
 * a run cannot be reached. `call` is the same for each repetition, so that a run retried since is
 * not cancelled again. `by`: the run that has triggered them.
 */
export async function cancelRuns(
  env: Env,
  runs: readonly ChildRun[],
  { call, by }: { readonly call: string; readonly by: RunId },
): Promise<void> {
  await Promise.all(
    runs.map(({ runId }) => callRun(env, runId, (run) => run.cancel({ children: true, call, by }))),
  );
}

/**
 * Delivers an outbox entry. Never rejects: the alarm repeats the delivery until an acknowledgement.
 */
export async function deliverEntry(
  runId: RunId,
  what: string,
  deliver: () => Promise<void>,
): Promise<void> {
  try {
    await deliver();
  } catch (error) {
    const message = `${what} failed; the run's alarm will repeat it`;
    log("warn", message, { run_id: runId, error });
  }
}

/** Yields the non-null answers of the runs, in batches. The alarm repeats failed calls. */
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
        log("warn", message, { run_id: runId, error });
        return null;
      }
    });
    yield (await Promise.all(asked)).filter((answer) => answer !== null);
  }
}

/**
 * Hands work over. Never rejects: the alarm repeats the effect. `runs` names the runs in the log.
 */
async function handOver<T>(what: string, runs: string, call: () => Promise<T>): Promise<T | null> {
  try {
    return await callWithRetries(what, call, HANDOVER);
  } catch (error) {
    log("error", `${what} failed; the run's alarm will repeat it`, { run_id: runs, error });
    return null;
  }
}
