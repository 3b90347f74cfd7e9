/** Watches invariant 8: a task ends as its code has it end, and a failure of the surroundings is never recorded as its own. */
import type { RunId } from "../../src/core/ids.ts";
import { WORKER_LOST_LIMIT } from "../../src/core/machine.ts";
import type { Run, TaskEntry } from "../../src/core/run.ts";
import type { Lease } from "../../src/run/run-rpc.ts";
import type { Ground } from "./ground.ts";
import type { Behaviour } from "./pipelines.ts";

export class BlameChecker {
  readonly #ground: Ground;
  readonly #behaviours: ReadonlyMap<string, Behaviour>;
  readonly #isRemoved: (method: string) => boolean;
  /** Attempts that ran out of time while the surroundings failed, as `run/ordinal/attempt`: their code is not to blame. */
  readonly #hampered = new Set<string>();

  constructor(ground: Ground, behaviours: ReadonlyMap<string, Behaviour>, isRemoved: (method: string) => boolean) {
    this.#ground = ground;
    this.#behaviours = behaviours;
    this.#isRemoved = isRemoved;
  }

  hampered({ runId, ordinal, attempt }: Lease): void {
    this.#hampered.add(`${runId}/${ordinal}/${attempt}`);
  }

  /** Another run of this id begins. */
  forget(runId: RunId): void {
    for (const key of this.#hampered) if (key.startsWith(`${runId}/`)) this.#hampered.delete(key);
  }

  /** Whether the task ended as its code had it end; everything else would be the surroundings' doing. */
  ended(run: Run, ordinal: number, { task, state, attempts, retriedAfter, item }: TaskEntry): void {
    const runId = run.id;
    const isStopping =
      item !== undefined && task.each?.onError === "fail" && (run.tasks[item.of]?.each?.failed ?? 0) > 1;
    const behaviour = this.#behaviours.get(task.name);
    if (behaviour === undefined) return;
    const ever = this.throws(runId, ordinal, attempts).own;
    // Budgets begin anew with a retry.
    const counted = attempts.slice(retriedAfter);
    const { own, hampered } = this.throws(runId, ordinal, counted);
    const deaths = counted.filter(({ lostTo }) => lostTo === "worker").length;
    const forGood = behaviour.how === "non_retryable" && own > 0;
    const spent = own + hampered === task.retries.limit + 1;
    const as = state.status === "failed" ? state.reason : state.status;
    if (task.external === true) {
      // What others report is no script: they may come too late for some attempts.
      const isRight: Readonly<Record<string, boolean>> = {
        succeeded: attempts.filter((attempt) => attempt.status === "succeeded").length === 1,
        error: own + hampered === task.retries.limit + 1 || forGood,
        worker_lost: deaths > WORKER_LOST_LIMIT,
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
      worker_lost: deaths > WORKER_LOST_LIMIT,
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
