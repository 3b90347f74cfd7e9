/**
 * Format versions: old and new code meet in any order during a deploy, a gradual deploy or a
 * rollback (invariant 11). Each row, message, request and answer states in `v` the lowest format
 * able to read it. Older code refuses newer data with `NewerFormatError` and waits; the sender
 * keeps the data, and newer code continues.
 *
 * Raise `FORMAT_VERSION` when this code writes data which the previous release would misread. Write
 * the new number into exactly those rows and messages. Everything else keeps the lower number, so a
 * rollback stops only affected data.
 */
import { isNamed } from "./named-error.ts";

/** Newest format read and written by this code, first released in 0.2.0. */
export const FORMAT_VERSION = 1;

/** Data with a version; absent means the first format. */
export interface Versioned {
  readonly v?: number;
}

/** The running deployment. */
export interface Deployment {
  /** Equal for two deployments with the same methods. */
  readonly id: string;
  /**
   * Creation of the version in epoch milliseconds; orders deployments. 0 if the platform does not
   * say.
   */
  readonly madeAt: number;
}

const NAME = "NewerFormatError";

/** Data of newer code. The data is intact and readable after the newer code is deployed again. */
export class NewerFormatError extends Error {
  override readonly name = NAME;

  /**
   * `what` names the data for people, `found` its version, `known` the newest version of this code.
   */
  constructor(what: string, found: string, known: number = FORMAT_VERSION) {
    super(`${what} has ${found}, this code knows up to ${known}: deploy the newer version again`);
  }
}

/** Throws `NewerFormatError` if newer code wrote `given`. `what` names the data for people. */
export function refuseNewer({ v = 1 }: Versioned, what: string): void {
  if (!isKnownFormat(v)) throw new NewerFormatError(what, `format ${v}`);
}

/** Tests whether this code reads the format. */
export function isKnownFormat(v: number): boolean {
  return v <= FORMAT_VERSION;
}

/** Ends a switch over kinds which newer code may have extended. */
export function refuseUnknown(what: string, kind: unknown): never {
  throw new NewerFormatError(what, `the kind ${JSON.stringify(kind)}`);
}

/** A deployment heard of earlier. */
export interface KnownDeployment {
  readonly madeAt: number;
  /** Last sign of life of an isolate of this deployment, epoch milliseconds. */
  readonly seenAt: number;
}

/**
 * Silence after which a deployment counts as gone, in milliseconds. The watchdog of each deployment
 * reports every five minutes.
 */
const SILENT_MS = 900_000;

/**
 * Decides whether an announced deployment replaces the current deployment. An older deployment does
 * so only in a rollback, after the newer has gone silent. While both are alive, isolates of the
 * older must not undo the work of the newer.
 */
export function takesOver(
  current: KnownDeployment | null,
  announced: Pick<Deployment, "madeAt">,
  now: number,
): boolean {
  if (current === null || announced.madeAt >= current.madeAt) return true;
  return Math.abs(now - current.seenAt) >= SILENT_MS;
}

/**
 * Delay in milliseconds before the next check for a deploy: half of the time waited, 2 s to 15 min.
 */
export function deployPauseMs(waitedMs: number): number {
  return Math.min(900_000, Math.max(2_000, Math.floor(waitedMs / 2)));
}

/** Recognises `NewerFormatError`, local or remote. */
export function isNewerFormat(error: unknown): boolean {
  return isNamed(error, NAME);
}
