/**
 * Watches the items of tasks that run once per item: as many at a time as allowed, each settled once, and the array of what they
 * passed put together once, in order, when all have ended.
 */
import { itemsOf, underWay } from "../../src/core/each.ts";
import { inputsOf } from "../../src/core/inputs.ts";
import type { PayloadRef } from "../../src/core/payload-ref.ts";
import { isFinal, type Run, type TaskEntry, type TaskState } from "../../src/core/run.ts";
import type { Ground } from "../engine-simulation/ground/ground.ts";
import { isSame } from "./plain-data.ts";
import { acceptedAttempt, gatheredText, NOTHING_PASSED } from "./passed-text.ts";

/** What is counted. */
const KINDS = ["pending", "running", "succeeded", "failed", "cancelled", "skipped"] as const;

export class ItemChecker {
  readonly #ground: Ground;
  /** As they were when they were seen last, by run. */
  readonly #states = new Map<string, TaskState[]>();

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  /** Indexes of the items whose state has changed since the last look; only those that had not ended may have. */
  look(run: Run): number[] {
    const states = this.#states.get(run.id) ?? [];
    this.#states.set(run.id, states);
    const changed: number[] = [];
    for (const [index, item] of run.items.entries()) {
      const was = states[index];
      if (item.state === was) continue;
      states[index] = item.state;
      // Read again by another life of its object.
      if (isSame(item.state, was)) continue;
      changed.push(index);
      const isReopened = was?.status !== "succeeded" && !isFinal(item.state);
      if (was !== undefined && isFinal(was) && !isReopened)
        this.#ground.violate(
          "4 final",
          `${run.id}: item ${item.item?.index} of ${item.task.name} was ${was.status} and is ${item.state.status}`,
        );
    }
    for (const entry of run.tasks) this.#counted(run, entry);
    return changed;
  }

  /** A task whose items have ended: why it has ended so, and that what they passed stands in order. */
  ended(run: Run, entry: TaskEntry, textOf: (ref: PayloadRef) => string | null): void {
    const { task, state, each } = entry;
    const [input] = inputsOf(run, task);
    if (!mayEndSo(entry, input?.ref.length))
      this.#ground.violate("15 items", `${run.id}: ${task.name} is ${JSON.stringify(state)}`);
    if (state.status !== "succeeded" || each === undefined) return;
    const texts = itemsOf(run, each).map((item) =>
      item.state.status === "succeeded" ? textOf(item.state.passed.output) : NOTHING_PASSED,
    );
    const want = gatheredText(run.id, task.name, acceptedAttempt(entry), texts);
    const got = textOf(state.passed.output);
    // What goes to R2 is padded with it.
    if (got?.replaceAll("x", "") !== want.replaceAll("x", ""))
      this.#ground.violate("15 items", `${run.id}: ${task.name} passes "${got}", its items have passed "${want}"`);
  }

  /** Another run of this id begins. */
  forget(run: Run): void {
    this.#states.delete(run.id);
  }

  #counted(run: Run, { task, state, each }: TaskEntry): void {
    if (task.each === undefined || each === undefined) return;
    const counts = { pending: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0, skipped: 0, others: 0 };
    const begin = each.first - run.tasks.length;
    for (let index = begin; index < begin + each.total; index += 1) counts[kindOf(run.items[index])] += 1;
    const wrong = KINDS.find((kind) => each[kind] !== counts[kind]);
    if (wrong !== undefined)
      this.#ground.violate(
        "journal",
        `${run.id}: ${each[wrong]} items of ${task.name} ${wrong}, ${counts[wrong]} counted`,
      );
    if (underWay(each) > task.each.maxParallel)
      this.#ground.violate("15 items", `${run.id}: ${underWay(each)} items of ${task.name} are under way`);
    const failed = task.each.onError === "continue" ? counts.failed : 0;
    // By a limit.
    const left = counts.skipped + counts.cancelled;
    const isGathered = state.status === "queued" || state.status === "running" || state.status === "succeeded";
    if (isGathered && counts.succeeded + failed + left !== each.total)
      this.#ground.violate("15 items", `${run.id}: ${task.name} is ${state.status} while items have not ended`);
    if (state.status === "failed" && state.reason === "item_failed" && (counts.failed === 0 || underWay(each) > 0))
      this.#ground.violate("15 items", `${run.id}: ${task.name} has failed without an item, or while items run`);
  }
}

function kindOf(item: TaskEntry | undefined): (typeof KINDS)[number] | "others" {
  const status = item?.state.status;
  return KINDS.find((kind) => kind === status) ?? "others";
}

/** Why a task with `each` may have ended as it has; its own code has no part in it. `length`: of the array that it read. */
function mayEndSo({ task, state, attempts, each }: TaskEntry, length: number | undefined): boolean {
  const gathered = attempts.filter(({ status }) => status === "succeeded").length;
  if (state.status === "succeeded") return each === undefined ? length === 0 && attempts.length === 0 : gathered === 1;
  if (state.status !== "failed") return true;
  if (state.reason === "not_an_array") return length === undefined;
  if (state.reason === "item_failed") return task.each?.onError === "fail" && (each?.failed ?? 0) > 0;
  return state.reason === "worker_lost" && gathered === 0;
}
