/**
 * Progress of the run queue's consumers, to tell a lost message from a late message. A run checks
 * for its message after the usual waiting time. The run sends another message only if consumers
 * have passed the first, that is, have received later messages. Unknown progress is `null`; then
 * every missing message counts as lost, as without a backlog. A duplicate costs one operation; a
 * missing message would stop the run (invariant 2).
 */

export interface QueueProgress {
  /** Watermark in epoch milliseconds: every earlier message was received or lost. */
  readonly deliveredUntil: number;
  /** Present waiting time of a message in milliseconds. */
  readonly lagMs: number;
  /** Number of waiting messages; absent if unknown. */
  readonly waiting?: number;
}

/** First check for a sent message without a backlog. The delay doubles with each lost message. */
const FIRST_LOOK_MS = 10_000;
const MAX_LOOK_MS = 300_000;

/**
 * Tolerated reordering: queue order is best effort, and a run sends slightly after its transition.
 */
const REORDERED_MS = 5_000;

/**
 * Next check for a late message: twice the present lag, within these bounds. A backlog of hours
 * needs few checks.
 */
const LATE_LOOK_MS = { least: 30_000, most: 3_600_000 } as const;

/**
 * Maximum age of a message before a resend, whatever the progress. The oldest message of a queue
 * may be unprocessable.
 */
const LATEST_MS = 6 * 3_600_000;

/**
 * Record of the last message for a purpose: its number, the time of the next check, and the send
 * time.
 */
export interface Send {
  readonly dispatches: number;
  readonly redispatchAt: number;
  /** Send time; absent without a backlog, where the other two fields imply the time. */
  readonly sentAt?: number;
}

/** Records the `nth` message (from 1), sent now. */
export function sendOf(nth: number, now: number, queue: QueueProgress | null): Send {
  const waitsMs = Math.min(LATE_LOOK_MS.most, 2 * (queue?.lagMs ?? 0));
  const send = { dispatches: nth, redispatchAt: now + patienceMs(nth) + waitsMs };
  return waitsMs === 0 ? send : { ...send, sentAt: now };
}

/** Returns the next check for a late message; null if the message was lost or never sent. */
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

/** Tests whether an unseen message of this send time was lost. */
function isLost(sentAt: number, now: number, { deliveredUntil }: QueueProgress): boolean {
  return now - sentAt > LATEST_MS || sentAt + REORDERED_MS <= deliveredUntil;
}

/** Delay in milliseconds from the `nth` message to its first check, without a backlog. */
function patienceMs(nth: number): number {
  return Math.min(MAX_LOOK_MS, FIRST_LOOK_MS * 2 ** (nth - 1));
}
