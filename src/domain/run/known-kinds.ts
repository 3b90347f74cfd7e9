/**
 * Kinds known to this code. A journal entry with a newer state, field or kind is refused, whatever
 * version the entry states. Applied blindly, the entry could leave a run without a next alarm. The
 * types force the lists to be complete.
 */
import type { EncodedChange } from "./journal-codec.ts";
import type { BlockedBy } from "../limits/limit.ts";
import type { OutboxMessage } from "./outbox-entry.ts";
import type { LostTo } from "./attempt.ts";
import type { RunChange } from "./run-change.ts";
import { FAIL_REASONS, type FailReason, type TaskState } from "./task-state.ts";
import type { RunState } from "./snapshot.ts";
import { ATTEMPT_STATUSES, RUN_STATUSES } from "../statuses.ts";
import { refuseUnknown } from "../version.ts";

const FIELDS = {
  tasks: true,
  run: true,
  lastToken: true,
  children: true,
  payload: true,
  limitKeys: true,
  joined: true,
  steps: true,
  arrived: true,
  waiters: true,
  foundBy: true,
  parentKnows: true,
  notified: true,
  notification: true,
  enqueued: true,
  acknowledged: true,
  cancelsChildren: true,
  leased: true,
  passed: true,
} satisfies Record<keyof EncodedChange, true>;

const STATES = {
  pending: true,
  queued: true,
  running: true,
  retrying: true,
  each: true,
  waiting: true,
  succeeded: true,
  failed: true,
  skipped: true,
  cancelled: true,
} satisfies Record<TaskState["status"], true>;

const WAITS = { run: true, completion: true } satisfies Record<
  Extract<TaskState, { readonly status: "waiting" }>["for"],
  true
>;

const BLOCKS = { concurrency: true, rate_limit: true, pause: true, deploy: true } satisfies Record<
  BlockedBy["for"],
  true
>;
const LOST_TO = { worker: true, surroundings: true, deploy: true } satisfies Record<LostTo, true>;
const MESSAGES = { alert: true, cancel_children: true } satisfies Record<
  OutboxMessage["type"],
  true
>;
const FAILURES: readonly FailReason[] = FAIL_REASONS;

/** Every kind in a journal, by name. The recording of a release contains all of them. */
export const KNOWN_KINDS: readonly string[] = [
  FIELDS,
  STATES,
  WAITS,
  BLOCKS,
  LOST_TO,
  MESSAGES,
].flatMap((kinds) => Object.keys(kinds));

const RUN_FIELDS = {
  id: true,
  graph: true,
  origin: true,
  payload: true,
  limitKeys: true,
  createdAt: true,
  completionKey: true,
  digest: true,
  key: true,
  nonce: true,
  joined: true,
  recorded: true,
  status: true,
  startedAt: true,
  finishedAt: true,
  lastToken: true,
  revision: true,
  tasks: true,
  items: true,
  mappedTasks: true,
  children: true,
  waiters: true,
  foundBy: true,
  parentKnows: true,
  notification: true,
  outbox: true,
  lastOutboxId: true,
  cancelsChildren: true,
  open: true,
  lacking: true,
  active: true,
} satisfies Record<keyof RunState, true>;

/** Throws `NewerFormatError` if the entry has an unknown field. */
export function refuseUnknownFields(packed: EncodedChange, where: string): void {
  for (const field of Object.keys(packed)) refuse(field in FIELDS, where, field);
}

/** Throws `NewerFormatError` if the change has an unknown kind. */
export function refuseUnknownKinds({ tasks, run, enqueued = [] }: RunChange, where: string): void {
  for (const { state, attempts } of tasks) {
    refuse(state.status in STATES, where, state.status);
    if (state.status === "waiting") refuse(state.for in WAITS, where, state.for);
    if (state.status === "queued" && state.blockedBy !== undefined)
      refuse(state.blockedBy.for in BLOCKS, where, state.blockedBy.for);
    if (state.status === "failed") refuse(FAILURES.includes(state.reason), where, state.reason);
    for (const { status, lostTo } of attempts) {
      refuse(ATTEMPT_STATUSES.includes(status), where, status);
      if (lostTo !== undefined) refuse(lostTo in LOST_TO, where, lostTo);
    }
  }
  if (run !== undefined) refuse(RUN_STATUSES.includes(run.status), where, run.status);
  for (const { message } of enqueued) refuse(message.type in MESSAGES, where, message.type);
}

/** Throws `NewerFormatError` if a run record has an unknown field or kind. */
export function refuseUnknownState(
  state: Omit<RunState, "graph"> & { readonly graph: unknown },
  where: string,
): void {
  for (const field of Object.keys(state)) refuse(field in RUN_FIELDS, where, field);
  const kinds = [...state.tasks.kinds, ...state.items.kinds];
  refuseUnknownKinds(
    { tasks: kinds.map((kind) => ({ ...kind, ordinal: 0 })), enqueued: state.outbox },
    where,
  );
}

function refuse(isKnown: boolean, where: string, kind: string): void {
  if (!isKnown) refuseUnknown(where, kind);
}
