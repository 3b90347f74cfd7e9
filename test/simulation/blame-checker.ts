/** Watches invariant 8: a task ends as its code has it end, and a failure of the surroundings is never recorded as its own. */
import type { RunId } from "../../src/core/ids.ts";
import type { Run, TaskEntry } from "../../src/core/run.ts";
import type { Lease } from "../../src/run/run-rpc.ts";
import type { Ground } from "../engine-simulation/ground/ground.ts";
import type { Invocation } from "./invocation.ts";
import type { Behaviour } from "./pipelines.ts";

/** So many workers in a row that it had alone must have died under a task that fails for it. */
const LONELY_DEATHS = 3;

/** An attempt whose code has begun, and where. */
interface Execution {
  readonly from: Invocation;
  /** Whether nothing else has run in its invocation so far. */
  isAlone: boolean;
  /** How often the surroundings had failed its invocation when its code ended; null: it has not. */
  endedAfter: number | null;
  /** Its worker was taken by a deploy, not by anything that ran there. */
  isExcused: boolean;
}

export class BlameChecker {
  readonly #ground: Ground;
  readonly #behaviours: ReadonlyMap<string, Behaviour>;
  readonly #isRemoved: (method: string) => boolean;
  /** Attempts that ran out of time while the surroundings failed, as `run/ordinal/attempt`: their code is not to blame. */
  readonly #hampered = new Set<string>();
  /** By `run/ordinal/attempt`. */
  readonly #executions = new Map<string, Execution>();
  /** By `run/ordinal/name`, the attempt that has recorded the step last, if that was committed. */
  readonly #steps = new Map<string, number>();

  constructor(ground: Ground, behaviours: ReadonlyMap<string, Behaviour>, isRemoved: (method: string) => boolean) {
    this.#ground = ground;
    this.#behaviours = behaviours;
    this.#isRemoved = isRemoved;
  }

  hampered({ runId, ordinal, attempt }: Lease): void {
    this.#hampered.add(`${runId}/${ordinal}/${attempt}`);
  }

  /** The code of an attempt begins; call what it returns when it ends. */
  begins({ runId, ordinal, attempt }: Lease, from: Invocation): () => void {
    const others = [...this.#executions.values()].filter((other) => other.from === from);
    for (const other of others) other.isAlone &&= other.endedAfter !== null;
    const execution: Execution = { from, isAlone: others.length === 0, endedAfter: null, isExcused: false };
    this.#executions.set(`${runId}/${ordinal}/${attempt}`, execution);
    return () => {
      execution.endedAfter = from.failures;
    };
  }

  /** The run has kept a step of this attempt, unless it is reset before its commit. */
  stepped({ runId, ordinal, attempt }: Lease, name: string): void {
    this.#steps.set(`${runId}/${ordinal}/${name}`, attempt);
  }

  /** Every worker is taken. */
  deployed(): void {
    for (const execution of this.#executions.values()) execution.isExcused ||= execution.from.alive;
  }

  /** Another run of this id begins. */
  forget(runId: RunId): void {
    for (const known of [this.#hampered, this.#executions, this.#steps])
      for (const key of known.keys()) if (key.startsWith(`${runId}/`)) known.delete(key);
  }

  /** Whether the last attempts were lost, and enough of them with a worker that died while it ran nothing else. */
  #hasKilledWorkers(runId: RunId, ordinal: number, attempts: TaskEntry["attempts"]): boolean {
    const row = attempts.slice(attempts.findLastIndex(({ status }) => status !== "lost") + 1);
    const lonely = row.filter(({ attempt, alone }) => {
      const execution = this.#executions.get(`${runId}/${ordinal}/${attempt}`);
      // Its executor object has died before the code began: nothing else was there.
      if (execution === undefined) return alone === true;
      const { isAlone, endedAfter, isExcused } = execution;
      // One that has died right after its code, before it could note that it cannot reach its run, looks like one that died in it.
      const isInTime = endedAfter === null || execution.from.failures <= endedAfter + 1;
      return isAlone && isInTime && !isExcused && !execution.from.alive;
    });
    return lonely.length >= LONELY_DEATHS;
  }

  /** Whether the task ended as its code had it end; everything else would be the surroundings' doing. */
  ended(run: Run, ordinal: number, { task, state, attempts, retriedAfter, item, steps = [] }: TaskEntry): void {
    const runId = run.id;
    const isStopping =
      item !== undefined && task.each?.onError === "fail" && (run.tasks[item.of]?.each?.failed ?? 0) > 1;
    const behaviour = this.#behaviours.get(task.name);
    if (behaviour === undefined) return;
    const ever = this.throws(runId, ordinal, attempts).own;
    // Budgets begin anew with a retry, and with progress.
    const suspended = attempts.findLast(({ status }) => status === "suspended")?.attempt ?? 0;
    const stepped = Math.max(0, ...steps.map(({ name }) => this.#steps.get(`${runId}/${ordinal}/${name}`) ?? 0));
    const counted = attempts.slice(Math.max(retriedAfter, suspended, stepped - 1));
    const { own, hampered } = this.throws(runId, ordinal, counted);
    const hasKilled = this.#hasKilledWorkers(runId, ordinal, counted);
    const forGood = behaviour.how === "non_retryable" && own > 0;
    const spent = own + hampered === task.retries.limit + 1;
    const as = state.status === "failed" ? state.reason : state.status;
    if (task.external === true) {
      // What others report is no script: they may come too late for some attempts.
      const isRight: Readonly<Record<string, boolean>> = {
        succeeded: attempts.filter((attempt) => attempt.status === "succeeded").length === 1,
        error: own + hampered === task.retries.limit + 1 || forGood,
        worker_lost: hasKilled,
        method_missing: this.#isRemoved(task.method),
      };
      if (isRight[as] !== true)
        this.#ground.violate("8 blame", `${runId}: the external ${task.name} is ${as} after ${own} failures`);
      return;
    }
    const right: Readonly<Record<string, boolean>> = {
      succeeded:
        ever === behaviour.throws &&
        own + hampered <= task.retries.limit &&
        !forGood &&
        attempts.filter(({ status }) => status === "succeeded").length === 1,
      error: ever <= behaviour.throws && (spent || forGood || isStopping),
      worker_lost: hasKilled,
      method_missing: this.#isRemoved(task.method),
    };
    if (right[as] === true) return;
    this.#ground.violate(
      "8 blame",
      `${runId}: ${task.name} is ${as} after ${attempts.map(({ status }) => status).join(", ")}; its code throws ${behaviour.throws} times (${behaviour.how}), ${task.retries.limit} retries are allowed`,
    );
  }

  /** How many attempts threw or hung by themselves, and how many ran out of time because of the surroundings. */
  throws(
    runId: RunId,
    ordinal: number,
    attempts: TaskEntry["attempts"],
  ): { readonly own: number; readonly hampered: number } {
    const thrown = attempts.filter(({ status }) => status === "failed" || status === "timed_out");
    const hampered = thrown.filter(({ attempt }) => this.#hampered.has(`${runId}/${ordinal}/${attempt}`)).length;
    return { own: thrown.length - hampered, hampered };
  }
}
