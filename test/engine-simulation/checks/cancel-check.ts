/**
 * Checks that a run that is cancelled with its children takes all runs that it has triggered with it, and no others.
 */
import type { RunId } from "../../../src/domain/ids.ts";
import type { RunDocument } from "../../../src/objects/run/run-documents-rpc.ts";
import type { Ground } from "../../../src/testing/ground/ground.ts";
import type { Seen, Watcher } from "../watcher.ts";

const INVARIANT = "children cancelled";
/** Until then whoever was to be cancelled is, if nothing has gone wrong; and in any case, once nothing does any more. */
const TOLD_MS = { well: 60_000, most: 32 * 60_000 } as const;
const CONSEQUENCES_MS = 120_000;
/** A call that is under way when somebody gives up arrives by then. */
const UNDER_WAY_MS = 300;

interface Cancel {
  /** By the scheduler. */
  readonly sentAt: number;
  readonly withChildren: boolean;
  /** From then on nothing more comes of it: it was answered, or given up. */
  endedAt: number;
  /** When it was known to have changed something. */
  doneAt: number | null;
}

export class CancelCheck {
  readonly #ground: Ground;
  readonly #cancels = new Map<RunId, Cancel[]>();
  readonly #retriedAt = new Map<RunId, number[]>();
  readonly #isCutOff: (task: string) => boolean;

  /** `isCutOff`: whether runs of this task cannot be reached for long. */
  constructor(ground: Ground, isCutOff: (task: string) => boolean) {
    this.#ground = ground;
    this.#isCutOff = isCutOff;
  }

  /** Somebody asks for it. */
  cancels(runId: RunId, withChildren: boolean): void {
    const cancel = {
      sentAt: this.#ground.scheduler.now,
      withChildren,
      endedAt: Number.POSITIVE_INFINITY,
      doneAt: null,
    };
    this.#cancels.set(runId, [...(this.#cancels.get(runId) ?? []), cancel]);
  }

  /** It was answered, or given up. */
  ended(runId: RunId, hasChanged: boolean): void {
    const { now } = this.#ground.scheduler;
    const first = this.#cancels.get(runId)?.find(({ endedAt }) => endedAt > now);
    if (first === undefined) return;
    first.endedAt = now + UNDER_WAY_MS;
    if (hasChanged) first.doneAt = now;
  }

  /** Somebody has had the run go on. */
  retried(runId: RunId): void {
    this.#retriedAt.set(runId, [...(this.#retriedAt.get(runId) ?? []), this.#ground.scheduler.now]);
  }

  /**
   * Whether somebody has cancelled it, or a run above it with all that it had triggered by then: what it triggers after a retry is not
   * meant.
   */
  mayBeCancelled(seen: Seen, watcher: Watcher): boolean {
    return this.#cancels.has(seen.runId) || this.#isTaken(seen, watcher);
  }

  atRest(watcher: Watcher): void {
    for (const seen of watcher.all()) {
      const above = parentOf(seen.run, watcher);
      if (above === undefined || seen.run.trigger.source === "replay" || this.#retriedAt.has(above.runId)) continue;
      const cancel = this.#cancels
        .get(above.runId)
        ?.find(({ withChildren, doneAt }) => withChildren && doneAt !== null);
      const { finalAt, run } = seen;
      if (cancel?.doneAt === undefined || cancel.doneAt === null || run.status === "cancelled" || finalAt === null)
        continue;
      const from = Math.max(cancel.doneAt, seen.firstSeenAt);
      const hasCause = this.#ground.struck.some(({ at }) => at > cancel.sentAt - CONSEQUENCES_MS && at < finalAt);
      if (!this.#isCutOff(run.task) && finalAt - from > (hasCause ? TOLD_MS.most : TOLD_MS.well))
        this.#ground.violate(
          INVARIANT,
          `${above.runId} was cancelled with what it had triggered at ${cancel.doneAt}, and ${seen.runId} is ${run.status} at ${finalAt}`,
        );
    }
  }

  /** Whether a run above it was cancelled with it. */
  #isTaken({ run, firstSeenAt }: Seen, watcher: Watcher, below: readonly RunId[] = []): boolean {
    return aboveOf(run, watcher).some((above) => {
      if (below.includes(above.runId)) return false;
      const retriedAt = this.#retriedAt.get(above.runId) ?? [];
      const isMeant = (this.#cancels.get(above.runId) ?? []).some(
        // A call that is made again, since its answer was lost, cancels what was retried in between.
        ({ endedAt, withChildren }) => withChildren && !retriedAt.some((at) => at > endedAt && at < firstSeenAt),
      );
      return isMeant || this.#isTaken(above, watcher, [...below, above.runId]);
    });
  }
}

/** The run that has triggered this one, and those whose triggers have joined its window: it is the run of all of them. */
function aboveOf(run: RunDocument, watcher: Watcher): Seen[] {
  const parent = parentOf(run, watcher);
  const joined = watcher.all().filter((seen) => seen.run.children.some(({ run_id }) => run_id === run.run_id));
  return parent === undefined ? joined : [parent, ...joined];
}

function parentOf(run: RunDocument, watcher: Watcher): Seen | undefined {
  const parent: RunId | undefined = run.trigger.parent?.run_id;
  return parent === undefined ? undefined : watcher.runs.get(parent);
}
