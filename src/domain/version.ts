/**
 * Versions: old and new code meet in any order during a deploy, a gradual one or a rollback (invariant 11). Each row, message, request and answer
 * says with `v` the lowest format that understands it. What is newer than the code is refused by `NewerFormatError` and waited for,
 * never guessed at: the sender keeps it, and whoever runs newer code goes on.
 *
 * Raise `FORMAT_VERSION` when this code writes something that the release before would misread, and give the new number to exactly
 * those rows and messages; everything else keeps the lower one, so that a rollback stops nothing that does not need to wait.
 */
import { isNamed } from "./named-error.ts";

/** The newest format that this code reads and writes. Release 0.2.0 is the first. */
export const FORMAT_VERSION = 1;

/** What carries a version. Absent: the first format. */
export interface Versioned {
  readonly v?: number;
}

/** What is deployed where the code runs. */
export interface Deployment {
  /** The same for two deployments with the same methods. */
  readonly id: string;
  /** When the version was made, epoch ms: orders deployments. 0: the platform does not say. */
  readonly madeAt: number;
}

const NAME = "NewerFormatError";

/** Something was written by newer code than this. It is there, whole, and is read once the newer code is deployed again. */
export class NewerFormatError extends Error {
  override readonly name = NAME;

  /** `what` names it for people, `found` says which version of what it has; `known`: the newest that this code knows. */
  constructor(what: string, found: string, known: number = FORMAT_VERSION) {
    super(`${what} has ${found}, this code knows up to ${known}: deploy the newer version again`);
  }
}

/** Throws `NewerFormatError` if `given` was written by newer code. `what` names it for people. */
export function refuseNewer({ v = 1 }: Versioned, what: string): void {
  if (!isKnownFormat(v)) throw new NewerFormatError(what, `format ${v}`);
}

/** Whether this code reads what was written in this format. */
export function isKnownFormat(v: number): boolean {
  return v <= FORMAT_VERSION;
}

/** Ends a switch over kinds that newer code may have added to. */
export function refuseUnknown(what: string, kind: unknown): never {
  throw new NewerFormatError(what, `the kind ${JSON.stringify(kind)}`);
}

/** A deployment that was heard of. */
export interface KnownDeployment {
  readonly madeAt: number;
  /** When one of its isolates was heard of last. Epoch ms. */
  readonly seenAt: number;
}

/** A deployment that has said nothing for so long is no more: the watchdog of each speaks every five minutes. Milliseconds. */
const SILENT_MS = 900_000;

/**
 * Whether what is announced takes the place of the current deployment. An older one does only in a rollback, when nothing is heard of
 * the newer any more: while both are there, isolates of the older must not undo what the newer has brought.
 */
export function takesOver(
  current: KnownDeployment | null,
  announced: Pick<Deployment, "madeAt">,
  now: number,
): boolean {
  if (current === null || announced.madeAt >= current.madeAt) return true;
  return Math.abs(now - current.seenAt) >= SILENT_MS;
}

/** How long what waits for a deploy is left alone before it looks again: half of the time it has waited, 2 s to 15 min. */
export function deployPauseMs(waitedMs: number): number {
  return Math.min(900_000, Math.max(2_000, Math.floor(waitedMs / 2)));
}

/** Whether an error is, here or in the object that was called, a `NewerFormatError`. */
export function isNewerFormat(error: unknown): boolean {
  return isNamed(error, NAME);
}
