/**
 * How far the consumers of the run queue have come: what tells a lost message from a late one. A run looks for its message when it has
 * waited longer than messages take now, and sends another only if consumers have passed it: have received what was sent after it.
 *
 * What is not known is `null`. Then a message that was not seen in time counts as lost, as if there were no backlog: twice sent costs an
 * operation, never sent would stop the run (invariant 2).
 */

export interface QueueProgress {
  /** What was sent before this time has been received, or was lost. Epoch milliseconds. */
  readonly deliveredUntil: number;
  /** How long a message waits that is received now. Milliseconds. */
  readonly lagMs: number;
  /** How many messages wait; absent: nobody has said. */
  readonly waiting?: number;
}

/** When a run looks for its message for the first time, without a backlog; the pause doubles with each message that was lost. */
const FIRST_LOOK_MS = 10_000;
const MAX_LOOK_MS = 300_000;

/** The order of messages is best effort, and a run sends a little after its decision: later ones may be received so much sooner. */
const REORDERED_MS = 5_000;

/** The next look at a late message: in twice the time that messages wait now, within these bounds. A backlog of hours is few looks. */
const LATE_LOOK_MS = { least: 30_000, most: 3_600_000 } as const;

/** A message that is older was lost whatever is known: the oldest message of a queue may be one that nobody can process. */
const LATEST_MS = 6 * 3_600_000;

/** What a run remembers of the last message that it sent for the same: the how manieth it was, when to look for it, and when it was sent. */
export interface Send {
  readonly dispatches: number;
  readonly redispatchAt: number;
  /** Absent where it follows from the other two: there was no backlog. */
  readonly sentAt?: number;
}

/** The `nth` message (from 1) is sent now. */
export function sendOf(nth: number, now: number, queue: QueueProgress | null): Send {
  const waitsMs = Math.min(LATE_LOOK_MS.most, 2 * (queue?.lagMs ?? 0));
  const send = { dispatches: nth, redispatchAt: now + patienceMs(nth) + waitsMs };
  return waitsMs === 0 ? send : { ...send, sentAt: now };
}

/** When to look again for a message that is late; null if it was lost, or none was sent. */
export function lookLater(
  {
    dispatches,
    redispatchAt,
    sentAt,
  }: Omit<Send, "redispatchAt"> & { readonly redispatchAt: number | null },
  now: number,
  queue: QueueProgress | null,
): Required<Pick<Send, "redispatchAt" | "sentAt">> | null {
  if (dispatches === 0 || redispatchAt === null || queue === null) return null;
  const sent = sentAt ?? redispatchAt - patienceMs(dispatches);
  if (isLost(sent, now, queue)) return null;
  const againMs = Math.max(LATE_LOOK_MS.least, 2 * (now - queue.deliveredUntil));
  return { redispatchAt: now + Math.min(LATE_LOOK_MS.most, againMs), sentAt: sent };
}

/** Whether a message that was sent then, and not seen since, was lost. */
function isLost(sentAt: number, now: number, { deliveredUntil }: QueueProgress): boolean {
  return now - sentAt > LATEST_MS || sentAt + REORDERED_MS <= deliveredUntil;
}

/** How long after it was sent a run looks for its `nth` message, if there is no backlog. */
function patienceMs(nth: number): number {
  return Math.min(MAX_LOOK_MS, FIRST_LOOK_MS * 2 ** (nth - 1));
}
