/**
 * A task that the test drives by hand: every attempt waits until the test says how it ends.
 *
 * The worker under test runs in the same isolate as the test, so both see these calls. But a promise that is settled in another
 * invocation's context than the one that awaits it can hang the pool, so both sides watch plain data. They do so by the platform's time:
 * `vi.waitFor` lets a faked clock go on with each look, also that of a later test, for a call that nobody has ended.
 */
import type { TaskContext } from "../../../../src/task-helpers.ts";

/** So long one looks, once a millisecond or as often as a busy machine lets it. */
const LIMIT_MS = 30_000;

/** As they are before a test puts others in their place. */
const elapsedMs = performance.now.bind(performance);
// What waits for a condition with a limit, as tests are to do, is made of it here.
// oxlint-disable-next-line no-restricted-globals
const platform = scheduler;

/** What is found, as soon as there is something. */
async function watch<T>(find: () => T | null, missing: () => string): Promise<T> {
  const end = elapsedMs() + LIMIT_MS;
  for (;;) {
    const found = find();
    if (found !== null) return found;
    if (elapsedMs() > end) throw new Error(missing());
    await platform.wait(1);
  }
}

export class Call {
  readonly task: TaskContext;
  readonly payload: unknown;
  #ending: { readonly value: unknown } | { readonly error: unknown } | null = null;

  constructor(payload: unknown, task: TaskContext) {
    this.payload = payload;
    this.task = task;
  }

  succeed(value?: unknown): void {
    this.#ending = { value };
  }

  fail(error: unknown): void {
    this.#ending = { error };
  }

  /** Resolves or rejects once the test has said how. */
  async ended(): Promise<unknown> {
    const ending = await watch(
      () => this.#ending,
      () => "the test never ended this call",
    );
    if ("error" in ending) throw ending.error;
    return ending.value;
  }
}

const arrived: Call[] = [];

/** Those whose end nobody has told yet. */
const open = new Set<Call>();

/** The task method. */
export async function scripted(payload: unknown, task: TaskContext): Promise<unknown> {
  const call = new Call(payload, task);
  arrived.push(call);
  open.add(call);
  try {
    return await call.ended();
  } finally {
    open.delete(call);
  }
}

/** Ends what no test has ended, so that their drivers are not at work any more when other tests count calls. */
export function endCalls(): void {
  for (const call of open) call.fail(new Error("its test is over"));
}

/** Takes the next call of this run (and task), now or when it comes. */
export function nextCall(runId: string, task?: string): Promise<Call> {
  const isWanted = ({ task: { name, runId: of } }: Call): boolean =>
    of === runId && (task === undefined || name === task);
  return watch(
    () => {
      const index = arrived.findIndex(isWanted);
      return index < 0 ? null : (arrived.splice(index, 1)[0] ?? null);
    },
    () =>
      `no call of ${task ?? "any task"} of ${runId}; waiting are ${arrived.map(({ task: { name } }) => name).join(", ")}`,
  );
}

/** Calls of this run that nobody has taken yet. */
export function callsWaiting(runId: string): number {
  return arrived.filter(({ task }) => task.runId === runId).length;
}
