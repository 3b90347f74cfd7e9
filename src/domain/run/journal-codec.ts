/**
 * Compact encoding of changes with many items: common fields are stored once. The lease of an item
 * takes 20 bytes instead of 220, a result 25 instead of 330. Unusual changes (failures, logs,
 * payloads in R2) are stored as they are. Decoding restores the original change.
 */
import { entryOf, type Run } from "./state.ts";
import { type AttemptRecord } from "./attempt.ts";
import { type RunChange, type TaskChange } from "./run-change.ts";

/** A change as stored in the journal. */
export interface EncodedChange extends RunChange {
  /** Leased items: ordinal, attempt, token. */
  readonly leased?: readonly (LeasedAt & { readonly items: readonly Three[] })[];
  /** Items with JSON output in the run object: ordinal, offset and size in the data of `seq`. */
  readonly passed?: readonly {
    readonly at: number;
    readonly seq: number;
    readonly items: readonly Three[];
  }[];
}

type Three = readonly [number, number, number];

/** Common fields of the leases of one call. */
interface LeasedAt {
  readonly at: number;
  readonly expiresAt: number;
  readonly call?: string;
}

const JSON_TYPE = "application/json";

/** Encodes a change. `tasks`: number of tasks in the run; higher ordinals are items. */
export function encodeChange(change: RunChange, tasks: number): EncodedChange {
  if (change.tasks.every(({ ordinal }) => ordinal < tasks)) return change;
  const rest: TaskChange[] = [];
  const leased = new Map<string, LeasedAt & { items: Three[] }>();
  const passed = new Map<string, { at: number; seq: number; items: Three[] }>();
  for (const item of change.tasks) {
    const isPlain = item.ordinal >= tasks && item.waitedMs === undefined;
    const lease = isPlain ? leaseIn(item) : null;
    const result = isPlain ? resultIn(item) : null;
    if (lease !== null) {
      const { three, ...common } = lease;
      const key = JSON.stringify(common);
      const group = leased.get(key) ?? { ...common, items: [] };
      leased.set(key, group);
      group.items.push(three);
    } else if (result !== null) {
      const { at, seq, three } = result;
      const key = `${at}/${seq}`;
      const group = passed.get(key) ?? { at, seq, items: [] };
      passed.set(key, group);
      group.items.push(three);
    } else rest.push(item);
  }
  return {
    ...change,
    tasks: rest,
    ...(leased.size > 0 && { leased: [...leased.values()] }),
    ...(passed.size > 0 && { passed: [...passed.values()] }),
  };
}

/** Decodes a change. `run`: the state before the change. */
export function decodeChange(packed: EncodedChange, run: Run): RunChange {
  const { leased = [], passed = [], ...change } = packed;
  if (leased.length === 0 && passed.length === 0) return change;
  const items = [
    ...passed.flatMap(({ at, seq, items }) => items.map((three) => toResult(run, at, seq, three))),
    ...leased.flatMap(({ items, ...common }) => items.map((three) => toLease(common, three))),
  ];
  return { ...change, tasks: [...change.tasks, ...items] };
}

function leaseIn({ ordinal, state, attempts }: TaskChange): (LeasedAt & { three: Three }) | null {
  const [record] = attempts;
  if (state.status !== "running" || record === undefined || attempts.length > 1) return null;
  const { attempt, token, expiresAt, call } = state;
  if (!hasKeys(state, call === undefined ? 4 : 5) || !hasKeys(record, 6)) return null;
  const common = { at: record.startedAt, expiresAt, ...(call !== undefined && { call }) };
  return { ...common, three: [ordinal, attempt, token] };
}

/** Tests for exactly the fields which the encoding can store. */
function hasKeys(value: object, count: number): boolean {
  return Object.keys(value).length === count;
}

function toLease({ at, ...rest }: LeasedAt, [ordinal, attempt, token]: Three): TaskChange {
  return {
    ordinal,
    state: { status: "running", attempt, token, ...rest },
    attempts: [
      { attempt, status: "running", startedAt: at, finishedAt: null, error: null, logs: null },
    ],
  };
}

function resultIn({
  ordinal,
  state,
  attempts,
}: TaskChange): { at: number; seq: number; three: Three } | null {
  const [record] = attempts;
  if (state.status !== "succeeded" || record === undefined || attempts.length > 1) return null;
  const { output, to } = state.passed;
  if (output.at !== "run" || output.kind !== "json" || output.contentType !== JSON_TYPE)
    return null;
  if (to !== null || !hasKeys(state.passed, 2) || !hasKeys(output, 6) || !hasKeys(record, 6))
    return null;
  if (record.logs !== null || record.finishedAt !== state.finishedAt) return null;
  return { at: state.finishedAt, seq: output.seq, three: [ordinal, output.offset, output.size] };
}

function toResult(run: Run, at: number, seq: number, [ordinal, offset, size]: Three): TaskChange {
  const record = entryOf(run, ordinal)?.attempts.at(-1);
  if (record === undefined)
    throw new RangeError(`run ${run.id} has a result of item ${ordinal}, which was never leased`);
  const ended: AttemptRecord = { ...record, status: "succeeded", finishedAt: at };
  return {
    ordinal,
    state: {
      status: "succeeded",
      finishedAt: at,
      passed: {
        output: { kind: "json", size, contentType: JSON_TYPE, at: "run", seq, offset },
        to: null,
      },
    },
    attempts: [ended],
  };
}
