/**
 * Checks the journal. The next life of an object knows only what was committed. The journal, read anew, must therefore
 * give the run as it was seen, and the alarm must be set for the first due time.
 */
import { isDeepStrictEqual } from "node:util";
import { isFinal, isActive } from "../../../src/domain/run/task-state.ts";
import { type Run } from "../../../src/domain/run/state.ts";
import { nextWakeAt } from "../../../src/domain/run/machine.ts";
import type { RunDocument } from "../../../src/objects/run/run-documents-rpc.ts";
import { describeRun } from "../../../src/objects/run/run-document.ts";
import { LEFT_BEHIND_MS } from "../../../src/objects/run/run-times.ts";
import { Journal } from "../../../src/objects/run/journal.ts";
import type { JournalStorage } from "../../../src/objects/run/journal-storage.ts";
import type { Ground } from "../../../src/testing/ground/ground.ts";
import type { ObjectStorage } from "../../../src/testing/platform/object-storage.ts";
import { isOver, type Seen } from "../watcher.ts";

/** Most commits are like the one before: one in so many is looked at, and the one with which a run ends. */
const EVERY = 10;
/** A handler that fails leaves pauses of at most so long, and does so because something has gone wrong not long ago. */
const FAILING_MS = { pause: 300_000, since: 1_200_000 } as const;

export class JournalCheck {
  readonly #ground: Ground;
  /** Reading it takes long where there are thousands of tasks. */
  readonly #isHeavy: boolean;
  #commits = 0;

  constructor(ground: Ground, isHeavy: boolean) {
    this.#ground = ground;
    this.#isHeavy = isHeavy;
  }

  /** The run has changed. */
  look(seen: Seen, before: RunDocument | null): void {
    const isDue = (this.#commits += 1) % EVERY === 0;
    const hasEnded = isOver(seen.run.status) && !isOver(before?.status ?? "");
    if (!hasEnded && (this.#isHeavy || !isDue)) return;
    const run = this.#read(seen);
    if (run === null) return;
    this.#told(seen, run);
    this.#derived(run);
    this.#lookedAfter(seen, run);
  }

  #read({ runId, host }: Seen): Run | null {
    try {
      const run = new Journal(readOnly(host.storage)).load();
      if (run === null) this.#ground.violate("journal", `${runId} is there, and its journal tells nothing`);
      return run;
    } catch (error) {
      this.#ground.violate("journal", `the journal of ${runId} cannot be read: ${String(error)}`);
      return null;
    }
  }

  #told({ runId, run: known }: Seen, run: Run): void {
    const { tasks: found, ...told } = atEnd(describeRun(run, () => null, 0));
    const { tasks, ...seen } = atEnd(known);
    if (!isDeepStrictEqual(told, seen))
      this.#ground.violate(
        "journal",
        `the journal of ${runId} tells ${JSON.stringify(told)}, it was ${JSON.stringify(seen)}`,
      );
    for (const [index, task] of tasks.entries())
      // What is under way has told its progress to the living object only.
      if (!isDeepStrictEqual(found[index], { ...task, progress: found[index]?.progress ?? null }))
        this.#ground.violate(
          "journal",
          `the journal of ${runId} tells ${JSON.stringify(found[index])}, it was ${JSON.stringify(task)}`,
        );
  }

  /** What is counted along is what there is. */
  #derived({ id, open, active, tasks, items }: Run): void {
    const isOpen = tasks.filter(({ state }) => !isFinal(state)).length;
    const areActive = [...tasks, ...items].filter(({ state }) => isActive(state)).length;
    if (open !== isOpen || active.size !== areActive)
      this.#ground.violate(
        "journal",
        `${id}: ${open} tasks open, ${active.size} active: ${isOpen} and ${areActive} are`,
      );
    for (const { task, waitingOn } of tasks) {
      const unfinished = task.upstream.filter(
        (parent) => !isFinal(tasks[parent]?.state ?? { status: "pending" }),
      ).length;
      if (waitingOn !== unfinished)
        this.#ground.violate(
          "journal",
          `${id}: ${task.name} waits for ${waitingOn} tasks, ${unfinished} have not ended`,
        );
    }
  }

  #lookedAfter({ host }: Seen, run: Run): void {
    const ground = this.#ground;
    const due = nextWakeAt(run);
    if (!Number.isFinite(due)) return ground.violate("2 never stuck", `${run.id} is ${run.status}, and due at no time`);
    if (host.isGivenUp || host.isHandlingAlarm || host.isAlarmRepeated) return;
    const { alarmAt } = host.storage;
    if (alarmAt === null) return ground.violate("2 never stuck", `${run.id} is ${run.status}, and no alarm is set`);
    // A child run that is kept because its parent goes on asks again after as long as it is kept.
    const keptMs = run.finishedAt === null ? 0 : Math.max(LEFT_BEHIND_MS, run.graph.retentionMs);
    const mayFail = ground.struck.some(({ at }) => at > ground.scheduler.now - FAILING_MS.since);
    const latest = Math.max(due, host.now() + Math.max(keptMs, mayFail ? FAILING_MS.pause : 0));
    if (alarmAt > latest + 1)
      ground.violate("2 never stuck", `${run.id} is due at ${due}, its alarm is set to ${alarmAt - due} ms later`);
  }
}

/** What the store of a run reads of what an object has committed. */
function readOnly(storage: ObjectStorage): JournalStorage {
  const refuse = (): never => {
    throw new Error("nobody writes here");
  };
  return {
    sql: {
      exec: (query, ...values) => {
        if (!query.trimStart().startsWith("SELECT")) return refuse();
        const { rows } = storage.exec(query, values);
        return Object.assign(rows, { toArray: () => rows });
      },
    },
    transactionSync: refuse,
    deleteAll: refuse,
  };
}

/** Without the times that grow while the run goes on. */
function atEnd(run: RunDocument): RunDocument {
  return isOver(run.status) ? run : { ...run, work_ms: 0, waited_ms: 0 };
}
