/**
 * Selection of items to start, for mapped tasks with limits. The run starts these items in order,
 * so each requests its slot. Only a few items of each key wait at the limit at a time. All others
 * stay pending without a place at the limit, a call, or a journal entry; a granted item starts the
 * next of its key.
 */
import { slotsLeft } from "./mapped-task.ts";
import { isBlockedBy, keysOfAttempt } from "./limit-gate.ts";
import { LIMIT_KINDS, type TaskLimits } from "../limits/limit.ts";
import { type MappedProgress, type Run, type TaskEntry } from "./state.ts";
import { type TaskState } from "./task-state.ts";

/** Waiting items per key; fewer if fewer may run. */
const WAITING_AT_ONCE = 8;

/** View of one transition: recorded entries and pending states. */
export interface StartView {
  readonly run: Run;
  entry(ordinal: number): TaskEntry;
  stateOf(ordinal: number): TaskState | null;
}

/**
 * Ordinals of the items to start, at most `most`. `hasFreed`: an item stopped waiting for its slot.
 */
export function itemsToBegin(
  view: StartView,
  of: number,
  progress: MappedProgress,
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

/** Number of items waiting for a slot, by key. */
class WaitingLines {
  readonly #view: StartView;
  readonly #limits: ReturnType<typeof keyedLimits>;
  readonly #names: string[][];
  readonly #waiting = new Map<string, number>();

  constructor(
    view: StartView,
    of: number,
    limits: TaskLimits,
    recorded: MappedProgress | undefined,
  ) {
    this.#view = view;
    this.#limits = keyedLimits(limits);
    this.#names = recorded === undefined ? [] : namesKnownOf(recorded);
    for (const ordinal of view.run.active) {
      const { item } = view.entry(ordinal);
      const state = view.stateOf(ordinal);
      if (
        item?.of !== of ||
        state === null ||
        !LIMIT_KINDS.some((kind) => isBlockedBy(state, kind))
      )
        continue;
      for (const name of this.#namesOf(ordinal))
        this.#waiting.set(name, (this.#waiting.get(name) ?? 0) + 1);
    }
  }

  /** Adds the item if its keys have room. Returns false if full. */
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

/** Key names of items, computed once: keys do not change while the items are known. */
const known = new WeakMap<MappedProgress, string[][]>();

function namesKnownOf(progress: MappedProgress): string[][] {
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
