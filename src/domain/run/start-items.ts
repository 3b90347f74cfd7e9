/**
 * Which items of a limited `each` task begin next. They are begun by the run itself, in order, so that each asks for its slot; but of
 * those that share a key only so many wait for it at a time. All others are not begun: they cost neither a place at the limit, nor a
 * call, nor an entry of the journal, however many there are, and when one of them has its slot the next one of its key begins.
 */
import { slotsLeft } from "./mapped-task.ts";
import { isHeldFor, keysOfAttempt } from "./limit-gate.ts";
import { LIMIT_KINDS, type TaskLimits } from "../limits/limit.ts";
import { type EachProgress, type Run, type TaskEntry, type TaskState } from "./state.ts";

/** So many items of one key wait at the limit at a time; as many as may run, if that is less. */
const WAITING_AT_ONCE = 8;

/** The entries of one decision: as they were, and their states as decided. */
export interface FillView {
  readonly run: Run;
  entry(ordinal: number): TaskEntry;
  stateOf(ordinal: number): TaskState | null;
}

/** The ordinals of the items that begin now, at most so many. `hasFreed`: whether one of them waits for its slot no longer. */
export function itemsToBegin(
  view: FillView,
  of: number,
  progress: EachProgress,
  most: number,
  hasFreed: boolean,
): number[] {
  const { task, each: recorded, state } = view.entry(of);
  const { first, total, cursor } = progress;
  const { limits, each } = task;
  const isKeyed = limits !== undefined && keyedLimits(limits).length > 0;
  const isFilling = state.status !== "each" || state.redispatchAt !== null;
  const wasFull = recorded === undefined || each === undefined || slotsLeft(each, recorded) === 0;
  if (most === 0 || (isKeyed && !hasFreed && !isFilling && !wasFull)) return [];
  const lines = isKeyed ? new WaitingLines(view, of, limits, recorded) : null;
  const begin: number[] = [];
  for (let index = lines === null ? cursor : 0; index < total && begin.length < most; index += 1) {
    if (view.stateOf(first + index)?.status !== "pending" && view.stateOf(first + index) !== null)
      continue;
    if (lines === null || lines.join(first + index)) begin.push(first + index);
  }
  return begin;
}

/** How many items of each key wait for their slot. */
class WaitingLines {
  readonly #view: FillView;
  readonly #limits: ReturnType<typeof keyedLimits>;
  readonly #names: string[][];
  readonly #waiting = new Map<string, number>();

  constructor(view: FillView, of: number, limits: TaskLimits, recorded: EachProgress | undefined) {
    this.#view = view;
    this.#limits = keyedLimits(limits);
    this.#names = recorded === undefined ? [] : namesKnownOf(recorded);
    for (const ordinal of view.run.active) {
      const { item } = view.entry(ordinal);
      const state = view.stateOf(ordinal);
      if (item?.of !== of || state === null || !LIMIT_KINDS.some((kind) => isHeldFor(state, kind)))
        continue;
      for (const name of this.#namesOf(ordinal))
        this.#waiting.set(name, (this.#waiting.get(name) ?? 0) + 1);
    }
  }

  /** Whether the item may wait too; then it does. */
  join(ordinal: number): boolean {
    const names = this.#namesOf(ordinal);
    const isFull = this.#limits.some(
      ({ limit }, nth) =>
        (this.#waiting.get(names[nth] ?? "") ?? 0) >= Math.min(limit, WAITING_AT_ONCE),
    );
    if (isFull) return false;
    for (const name of names) this.#waiting.set(name, (this.#waiting.get(name) ?? 0) + 1);
    return true;
  }

  #namesOf(ordinal: number): string[] {
    const entry = this.#view.entry(ordinal);
    const index = entry.item?.index ?? 0;
    const known = this.#names[index];
    if (known !== undefined) return known;
    const keys = keysOfAttempt(this.#view.run, entry, (parent) => this.#view.stateOf(parent));
    const names = this.#limits.map(({ kind }) => `${kind}/${keys[kind] ?? ""}`);
    this.#names[index] = names;
    return names;
  }
}

/** What the keys of the items are called, worked out once: they do not change while the items are known. */
const known = new WeakMap<EachProgress, string[][]>();

function namesKnownOf(progress: EachProgress): string[][] {
  const names = known.get(progress) ?? [];
  known.set(progress, names);
  return names;
}

function keyedLimits({ concurrency, rateLimit }: TaskLimits) {
  const plans = { concurrency, rate_limit: rateLimit };
  return LIMIT_KINDS.flatMap((kind) => {
    const plan = plans[kind];
    return plan !== null && plan.key !== null ? [{ kind, limit: plan.limit }] : [];
  });
}
