/** The end of a final run's retention: keeps the run for its parents, or deletes the run. */
import { isKeptForOthers, nextWakeAt } from "../../domain/run/machine.ts";
import { type Run } from "../../domain/run/state.ts";
import type { RunDeletion } from "./run-deletion.ts";
import { keptFor, tombstoneOf } from "./tombstone.ts";
import type { AlarmClock } from "../../platform/alarm-clock.ts";
import type { CatalogReporter } from "./catalog-reporter.ts";
import { KEPT_RECHECK_MS } from "./run-times.ts";
import type { RunHost } from "./run-host.ts";

type Host = Pick<RunHost, "now" | "parentStates">;

export class RunRetention {
  readonly #host: Host;
  readonly #clock: AlarmClock;
  readonly #catalog: CatalogReporter;
  readonly #deletion: RunDeletion;

  constructor(host: Host, clock: AlarmClock, catalog: CatalogReporter, deletion: RunDeletion) {
    this.#host = host;
    this.#clock = clock;
    this.#catalog = catalog;
    this.#deletion = deletion;
  }

  /**
   * Ends the retention. A child run is kept while a parent is active, and checks again after its
   * own retention time, from a minute to a day. While a parent may be retried, a
   * tombstone stays.
   */
  async end(run: Run): Promise<void> {
    const past = tombstoneOf(run);
    const kept = await keptFor(past, this.#host.now(), (parents) =>
      this.#host.parentStates(parents),
    );
    // The clock may have been set back meanwhile, and the run retried.
    if (run.finishedAt === null) return;
    if (kept !== "open") return this.#deletion.delete(run, kept);
    const recheckMs = Math.min(
      KEPT_RECHECK_MS.most,
      Math.max(KEPT_RECHECK_MS.least, run.graph.retentionMs),
    );
    const keptUntil = this.#host.now() + recheckMs;
    await this.#catalog.extend(run, keptUntil);
    this.#clock.set(keptUntil);
  }

  /** Tells whether the run is final and its retention over. */
  isOver(run: Run): boolean {
    return run.finishedAt !== null && !isKeptForOthers(run) && this.#host.now() >= nextWakeAt(run);
  }
}
