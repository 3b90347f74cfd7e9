/** Checks invariants 1, 2 and 10: an accepted run ends, is kept for its retention, and leaves nothing behind. */
import type { RunDocument } from "../../../src/objects/run/run-documents-rpc.ts";
import { MOST_SKEW_MS, RETENTION_MS } from "../scenario.ts";
import { isOver, type Seen } from "../watcher.ts";
import type { CheckedWorld } from "./checked-world.ts";
import type { ObjectHost } from "../../../src/testing/platform/object-host.ts";

/** The clocks of objects differ, and one may be set back between the end of a retention and what is seen of it. */
const CLOCK_MS = 500_000;
/** A run that has ended is listed so by then, and durably. */
const LISTED_MS = 40 * 60_000;
/** What nothing holds back has begun by then, whatever is lost. */
const BEGUN_MS = 75 * 60_000;
/**
 * So often the alarm of an executor object fires at most, however long its run cannot be reached: it leaves ever longer pauses, and gives
 * up. The platform repeats the alarm of an object that dies.
 */
const MOST_ALARMS = 60;
/** So often that of a suspect fires besides that waits for its trial: each five seconds for a quarter of an hour, at first more often. */
const MOST_ASKING = 200;
/** Others may keep a run beyond its retention, but nothing that cannot be done does so for longer. */
const KEPT_MS = 36 * 3_600_000;
/** No trigger of this world is delayed for longer. */
const MOST_DELAY_MS = 120_000;
/** Tables that stay, and may: each has a row for a task, or none, or the deployment's key. */
const STAYING: ReadonlySet<string> = new Set(["TaskDirectoryObject", "SchedulesObject", "IdentityObject"]);
/** Of objects that there is one of: their tables stay, and are empty. */
const KEPT_TABLES: ReadonlyMap<string, readonly string[]> = new Map([
  ["CatalogObject", ["runs", "days"]],
  ["DeadLettersObject", ["letters"]],
]);

export class RestCheck {
  readonly #world: CheckedWorld;
  /** The names of the executor objects whose attempts are on trial. */
  readonly #suspects = new Set<string>();

  constructor(world: CheckedWorld) {
    this.#world = world;
  }

  suspected(executor: string): void {
    this.#suspects.add(executor);
  }

  /** The run is gone. */
  forgotten({ runId, run }: Seen): void {
    const { ground } = this.#world;
    // By the clock of the wall, as the run reckons: it may have been set forward since the end.
    const finishedAt = run.finished_at === null ? Number.POSITIVE_INFINITY : Date.parse(run.finished_at);
    if (!isOver(run.status)) ground.violate("1 accepted is durable", `${runId} is gone while it is ${run.status}`);
    else if (ground.wall() - finishedAt < RETENTION_MS - CLOCK_MS)
      ground.violate("1 accepted is durable", `${runId} is gone before its retention is over`);
    else if (ground.wall() - finishedAt > RETENTION_MS + KEPT_MS)
      ground.violate("12 waits end", `${runId} is gone ${(ground.wall() - finishedAt) / 3_600_000} h after its end`);
  }

  /** Every run that has ended a while ago is listed so. */
  listed(): void {
    const { ground, rig, watcher } = this.#world;
    const listed = new Map<unknown, unknown>();
    for (const { storage } of rig().objects("CatalogObject")) {
      if (!storage.tables.has("runs")) continue;
      for (const { id, status } of storage.exec("SELECT id, status FROM runs", []).rows) listed.set(id, status);
    }
    for (const { runId, run, finalAt, gone } of watcher().runs.values()) {
      if (gone || finalAt === null || ground.scheduler.now - finalAt < LISTED_MS) continue;
      const status = listed.get(runId);
      if (status === run.status || (status === undefined && this.#isRetentionOver(run))) continue;
      ground.violate("listed", `${runId} is ${run.status}, and listed as ${String(status)}`);
    }
  }

  /** By the clock of some object. The catalog looks at its own, and need not wait for the run's alarm, which was set by another. */
  #isRetentionOver({ finished_at }: RunDocument): boolean {
    if (finished_at === null) return false;
    return this.#world.ground.wall() - Date.parse(finished_at) > RETENTION_MS - 2 * MOST_SKEW_MS;
  }

  atRest(): void {
    const { ground } = this.#world;
    for (const seen of this.#world.watcher().all()) {
      this.#begun(seen);
      this.#suspended(seen);
    }
    for (const { runId, run } of this.#world.watcher().all())
      if (!isOver(run.status))
        ground.violate(
          "1 accepted is durable",
          `${runId} never ended: it is ${run.status}, ${run.tasks.map(({ task, status }) => `${task} ${status}`).join(", ")}`,
        );
    const rig = this.#world.rig();
    const inBucket = [...rig.payloads.objects.keys()];
    if (inBucket.length > 0) ground.violate("10 nothing is left", `in R2: ${inBucket.join(", ")}`);
    for (const host of rig.edge.hosts) {
      const left = leftIn(host);
      if (left !== null) ground.violate("10 nothing is left", `${host.label}: ${left}`);
      const mostAlarms = MOST_ALARMS + host.deaths + (this.#suspects.has(host.name) ? MOST_ASKING : 0);
      if (host.className === "ExecutorObject" && host.alarms > mostAlarms)
        ground.violate("12 waits end", `the alarm of ${host.label} has fired ${host.alarms} times`);
    }
  }

  /** What nothing held back began in time, however long consumers stood still; and nothing before the delay that it was triggered with. */
  #begun({ runId, run, carried, retries }: Seen): void {
    const { ground, scenario } = this.#world;
    const [root] = run.tasks;
    const { limits, debounce } = scenario.plan.tasks[root?.task ?? ""] ?? {};
    // Several clients may name a run by the same key.
    const sent = scenario.triggers.filter(({ task, key }) => carried?.by === `trigger ${task} ${key}`);
    // One that was cancelled before it began, and is retried, begins then.
    if (retries > 0 || debounce !== null || run.started_at === null || ground.faults.kinds.has("clock_step")) return;
    const waitedMs = Date.parse(run.started_at) - Date.parse(run.created_at);
    // No driver reaches a run that is cut off before it has begun.
    const cutOffMs = scenario.cutOff?.task === root?.task ? (scenario.cutOff?.forMs ?? 0) : 0;
    const heldMs = (scenario.stopped?.forMs ?? 0) + cutOffMs;
    const mostMs = BEGUN_MS + heldMs + (sent[0]?.delayMs ?? MOST_DELAY_MS);
    const leastMs = Math.min(...sent.map(({ delayMs }) => delayMs));
    if (run.trigger.source === "api" && sent.length > 0 && waitedMs < leastMs)
      ground.violate("2 order", `${runId} has begun ${waitedMs} ms after it was accepted, its delay is ${leastMs} ms`);
    const mayWait = limits !== null || scenario.paused.length > 0;
    if (!mayWait && waitedMs > mostMs)
      ground.violate("no stall without a cause", `${runId} has begun ${waitedMs / 1_000} s after it was accepted`);
  }

  /** Who awaits several runs at once goes on once, when all of them have ended. */
  #suspended({ runId, run, retries }: Seen): void {
    const { ground, scenario } = this.#world;
    if (ground.faults.struck > 0 || retries > 0) return;
    for (const { task, attempts } of run.tasks) {
      const count = attempts.filter(({ status }) => status === "suspended").length;
      if (scenario.behaviours.get(task)?.awaitsAll === "result" && count > 1)
        ground.violate("2 order", `${runId}: ${task} was suspended ${count} times to await the same runs`);
    }
  }
}

/** What an object keeps that it must not; null if nothing. */
function leftIn(host: ObjectHost): string | null {
  const { storage, className } = host;
  if (STAYING.has(className) || storage.isEmpty) return null;
  const kept = KEPT_TABLES.get(className);
  if (kept !== undefined) {
    const rows = kept.map((table) => {
      if (!storage.tables.has(table)) return 0;
      return Number(storage.exec(`SELECT count(*) AS n FROM ${table}`, []).rows[0]?.["n"]);
    });
    return rows.every((count) => count === 0) ? null : `${rows.join(" and ")} rows of ${kept.join(" and ")}`;
  }
  return `tables ${[...storage.tables].join(", ")}, alarm ${storage.alarmAt}`;
}
