/**
 * Checks invariants 2 and 4. No task starts before its upstream tasks have ended and its rule holds. No task is skipped
 * while it may still start. A final state changes only by a retry.
 */
import type { RunIf } from "../../../src/domain/run/start-rule.ts";
import type { RunDocument, TaskDocument } from "../../../src/objects/run/run-documents-rpc.ts";
import type { Ground } from "../../../src/testing/ground/ground.ts";
import type { Ledger } from "../ledger.ts";
import { isOver, type Seen } from "../watcher.ts";

/** Far more than any task needs, whatever goes wrong in a quarter of an hour. */
const MOST_ATTEMPTS = 200;

/** How the upstream tasks of a task stand. */
interface Upstream {
  readonly all: number;
  readonly open: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Those that failed, and those that were skipped for a failure above them. */
  readonly failedAbove: number;
}

/** As product.md, section 7, has it, by name: also rules that this engine may not know yet. */
const HOLDS: ReadonlyMap<string, (upstream: Upstream) => boolean> = new Map([
  ["all_success", ({ all, succeeded }: Upstream) => succeeded === all],
  ["all_done", () => true],
  ["one_success", ({ all, succeeded }: Upstream) => all === 0 || succeeded > 0],
  ["one_failed", ({ all, failedAbove }: Upstream) => all === 0 || failedAbove > 0],
  ["none_failed", ({ failedAbove }: Upstream) => failedAbove === 0],
  ["all_failed", ({ all, failedAbove }: Upstream) => failedAbove === all],
  [
    "none_failed_min_one_success",
    ({ all, failedAbove, succeeded }: Upstream) => failedAbove === 0 && (all === 0 || succeeded > 0),
  ],
]);

const CANNOT_HOLD: ReadonlyMap<string, (upstream: Upstream) => boolean> = new Map([
  ["all_success", ({ all, open, succeeded }: Upstream) => open + succeeded < all],
  ["all_done", () => false],
  ["one_success", ({ open, succeeded }: Upstream) => open + succeeded === 0],
  ["one_failed", ({ open, failedAbove }: Upstream) => open + failedAbove === 0],
  ["none_failed", ({ failedAbove }: Upstream) => failedAbove > 0],
  ["all_failed", ({ all, open, failedAbove }: Upstream) => open + failedAbove < all],
  [
    "none_failed_min_one_success",
    ({ open, failedAbove, succeeded }: Upstream) => failedAbove > 0 || open + succeeded === 0,
  ],
]);

export class OrderCheck {
  readonly #ground: Ground;
  readonly #ledger: Ledger;
  readonly #ruleOf: (task: string) => { readonly runIf: RunIf; readonly maySkipByLimit: boolean };

  constructor(
    ground: Ground,
    ledger: Ledger,
    ruleOf: (task: string) => { readonly runIf: RunIf; readonly maySkipByLimit: boolean },
  ) {
    this.#ground = ground;
    this.#ledger = ledger;
    this.#ruleOf = ruleOf;
  }

  /** The run has changed; `before`: null if it is new. */
  look({ run, isRetried }: Seen, before: RunDocument | null): void {
    for (const [index, task] of run.tasks.entries()) {
      const was = before?.tasks[index];
      if (was !== undefined && isOver(was.status) && !isRetried) this.#stays(run, was, task);
      if (was !== undefined && was.status === "succeeded" && isRetried) this.#stays(run, was, task);
      if (was?.status !== task.status) this.#entered(run, task);
      if (task.attempts.length > MOST_ATTEMPTS)
        this.#ground.violate("2 never stuck", `${run.run_id}: ${task.task} is in its attempt ${task.attempts.length}`);
    }
    if (before !== null && isOver(before.status) && !isRetried && before.status !== run.status)
      this.#ground.violate("4 final", `${run.run_id} was ${before.status} and is ${run.status}`);
    if (isOver(run.status)) this.#skipped(run);
    const open = run.tasks.filter(({ status }) => !isOver(status)).length;
    if (isOver(run.status) !== (open === 0))
      this.#ground.violate("4 final", `${run.run_id} is ${run.status} with ${open} tasks open`);
    const hasFailed = run.tasks.some(({ status }) => status === "failed");
    if (isOver(run.status) && run.status !== "cancelled" && (run.status === "failed") !== hasFailed)
      this.#ground.violate("4 final", `${run.run_id} is ${run.status}, a task failed: ${hasFailed}`);
  }

  /** What was skipped for a failure above it runs again once that has succeeded in a retry. */
  #skipped(run: RunDocument): void {
    for (const task of run.tasks) {
      if (task.status !== "skipped" || task.reason !== "upstream_failed") continue;
      if (this.#upstreamOf(run, task).failedAbove === 0)
        this.#ground.violate(
          "4 final",
          `${run.run_id}: ${task.task} is skipped for a failure, and nothing above it has failed`,
        );
    }
  }

  #stays(run: RunDocument, was: TaskDocument, task: TaskDocument): void {
    if (isSame(was, task)) return;
    const [before, now] = [wordsOf(was), wordsOf(task)];
    if (before !== now) this.#ground.violate("4 final", `${run.run_id}: ${task.task} was ${before} and is ${now}`);
  }

  #entered(run: RunDocument, task: TaskDocument): void {
    const { runIf, maySkipByLimit } = this.#ruleOf(task.task);
    const upstream = this.#upstreamOf(run, task);
    const isChosen = this.#isChosen(run, task);
    const statuses = task.upstream.map((name) => `${name} ${taskOf(run, name)?.status}`).join(", ");
    const say = (detail: string): void =>
      this.#ground.violate("2 order", `${run.run_id}: ${task.task} (run_if ${runIf}) ${detail}; above it: ${statuses}`);
    const { status, reason } = task;
    if (status !== "pending" && status !== "skipped" && status !== "cancelled") {
      if (upstream.open > 0 || !isChosen || HOLDS.get(runIf)?.(upstream) !== true) say(`is ${status}`);
      return;
    }
    if (status !== "skipped") return;
    if (reason === "concurrency") {
      if (!maySkipByLimit) say("is skipped by a limit that has it wait");
      return;
    }
    if (isChosen && CANNOT_HOLD.get(runIf)?.(upstream) !== true) say(`is skipped (${reason})`);
    if (
      isChosen &&
      runIf === "all_success" &&
      upstream.failedAbove > 0 &&
      upstream.open === 0 &&
      reason !== "upstream_failed"
    )
      say(`is skipped for ${reason}, though something above it has failed`);
  }

  #upstreamOf(run: RunDocument, { upstream }: TaskDocument): Upstream {
    let [open, succeeded, failed, failedAbove] = [0, 0, 0, 0];
    for (const name of upstream) {
      const parent = taskOf(run, name);
      if (parent === undefined) continue;
      if (!isOver(parent.status)) open += 1;
      if (parent.status === "succeeded") succeeded += 1;
      if (parent.status === "failed") failed += 1;
      if (parent.status === "failed" || (parent.status === "skipped" && parent.reason === "upstream_failed"))
        failedAbove += 1;
    }
    return { all: upstream.length, open, succeeded, failed, failedAbove };
  }

  #isChosen(run: RunDocument, { task, upstream }: TaskDocument): boolean {
    return upstream.every((name) => {
      const parent = taskOf(run, name);
      const accepted = acceptedOf(parent);
      if (accepted === null) return true;
      const chose = this.#ledger.find(run.run_id, name, null, accepted)?.chose ?? null;
      return chose === null || chose.includes(task);
    });
  }
}

/** The task of this name in the run. */
export function taskOf(run: RunDocument, name: string): TaskDocument | undefined {
  return run.tasks.find(({ task }) => task === name);
}

/** The attempt whose result was accepted; null if none was. */
export function acceptedOf(task: Pick<TaskDocument, "attempts"> | undefined): number | null {
  return task?.attempts.find(({ status }) => status === "succeeded")?.attempt ?? null;
}

/** Most are, and their words need not be made. */
function isSame(was: TaskDocument, task: TaskDocument): boolean {
  return (
    was.status === task.status &&
    was.reason === task.reason &&
    was.attempts.length === task.attempts.length &&
    was.attempts.every((attempt, index) => {
      const now = task.attempts[index];
      return attempt.attempt === now?.attempt && attempt.status === now.status;
    })
  );
}

function wordsOf({ status, reason, attempts }: TaskDocument): string {
  return [status, reason, ...attempts.map(({ attempt, status: ended }) => `${attempt} ${ended}`)].join(", ");
}
