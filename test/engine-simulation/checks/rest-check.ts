/** Invariants 1, 2 and 10: what was accepted comes to its end, is kept for as long as it must be, and leaves nothing behind. */
import { RETENTION_MS } from "../scenario.ts";
import { isOver, type Seen } from "../watcher.ts";
import type { CheckedWorld } from "./checked-world.ts";
import type { ObjectHost } from "../platform/object-host.ts";

/** The clocks of objects differ, and one may be set back between the end of a retention and what is seen of it. */
const CLOCK_MS = 500_000;
/** Tables that stay, and may: each has a row for a task, or none, or the deployment's key. */
const STAYING: ReadonlySet<string> = new Set(["DirectoryObject", "SchedulesObject", "IdentityObject"]);

export class RestCheck {
  readonly #world: CheckedWorld;

  constructor(world: CheckedWorld) {
    this.#world = world;
  }

  /** The run is gone. */
  forgotten({ runId, run }: Seen): void {
    const { ground } = this.#world;
    // By the clock of the wall, as the run reckons: it may have been set forward since the end.
    const finishedAt = run.finished_at === null ? Number.POSITIVE_INFINITY : Date.parse(run.finished_at);
    if (!isOver(run.status)) ground.violate("1 accepted is durable", `${runId} is gone while it is ${run.status}`);
    else if (ground.wall() - finishedAt < RETENTION_MS - CLOCK_MS)
      ground.violate("1 accepted is durable", `${runId} is gone before its retention is over`);
  }

  /** Every run that has ended a while ago is listed so. */
  listed(): void {}

  atRest(): void {
    const { ground } = this.#world;
    for (const { runId, run } of this.#world.watcher().all())
      if (!isOver(run.status))
        ground.violate(
          "1 accepted is durable",
          `${runId} never ended: it is ${run.status}, ${run.tasks.map(({ task, status }) => `${task} ${status}`).join(", ")}`,
        );
    const rig = this.#world.rig();
    const inBucket = [...rig.payloads.objects.keys()];
    if (inBucket.length > 0) ground.violate("10 nothing is left", `in R2: ${inBucket.join(", ")}`);
    for (const host of rig.edge.hosts.values()) {
      const left = leftIn(host);
      if (left !== null) ground.violate("10 nothing is left", `${host.label}: ${left}`);
    }
  }
}

/** What an object keeps that it must not; null if nothing. */
function leftIn(host: ObjectHost): string | null {
  const { storage, className } = host;
  if (STAYING.has(className) || storage.isEmpty) return null;
  if (className === "CatalogObject") {
    const rows = ["runs", "days"].map((table) => {
      if (!storage.tables.has(table)) return 0;
      return Number(storage.exec(`SELECT count(*) AS n FROM ${table}`, []).rows[0]?.["n"]);
    });
    return rows.every((count) => count === 0) ? null : `${rows.join(" and ")} rows of runs and days`;
  }
  return `tables ${[...storage.tables].join(", ")}, alarm ${storage.alarmAt}`;
}
