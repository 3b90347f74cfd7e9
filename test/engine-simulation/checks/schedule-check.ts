/**
 * Checks schedules: each due time has one run, in time, whatever the isolates of other releases announce. A paused or
 * removed schedule has no run. Due times are computed here, by the minutes of the clock on the wall.
 */
import type { Fault } from "../../../src/testing/ground/faults.ts";
import type { Ground } from "../../../src/testing/ground/ground.ts";
import type { Timed } from "../schedules.ts";
import { isOver, type Seen } from "../watcher.ts";

const INVARIANT = "schedules are kept";
/** From a due time to its run, clocks that differ included. */
const LATE_MS = 10_000;
/** What goes wrong has consequences for so long. */
const CONSEQUENCES_MS = 300_000;
/** From what somebody says to what comes of it. */
const SETTLING_MS = 15_000;
/** A release that says nothing for so long may be no more; from then on an older one counts again. */
const SILENT_MS = { least: 13 * 60_000, most: 16 * 60_000 } as const;

/** What goes wrong with schedules is none of these. */
const HARMLESS: ReadonlySet<Fault> = new Set([
  "deploy_side_by_side",
  "message_lost",
  "message_late",
  "message_doubled",
]);

type ReleaseName = "first" | "second";

/** From when to when nobody wants runs of a task: asked for, and done. */
interface Paused {
  readonly task: string;
  readonly from: { readonly sentAt: number; readonly wall: number; doneAt: number | null };
  /** `calls`: how often somebody's wish to end it has come to the object. */
  until: { readonly sentAt: number; doneAt: number | null; calls: number } | null;
  /** The one may have come after the other: nobody knows which of them counts. */
  isUncertain: boolean;
}

export class ScheduleCheck {
  readonly #ground: Ground;
  readonly #timed: readonly Timed[];
  /** When isolates of a release have said what they have, by the scheduler. */
  readonly #heard: Readonly<Record<ReleaseName, number[]>> = { first: [], second: [] };
  readonly #paused: Paused[] = [];
  /** Runs by task and due time. */
  readonly #runs = new Map<string, Seen>();
  /** When a release was announced first while no newer one counted, so that its schedules are due from then on; by the wall. */
  readonly #knownAt: Record<ReleaseName, number | null> = { first: null, second: null };
  #killedAt = Number.NEGATIVE_INFINITY;

  constructor(ground: Ground, timed: readonly Timed[]) {
    this.#ground = ground;
    this.#timed = timed;
  }

  /** A task has taken its isolate down. */
  killed(): void {
    this.#killedAt = this.#ground.scheduler.now;
  }

  /** An isolate of this release says what it has. */
  announced(release: ReleaseName): void {
    const { now } = this.#ground.scheduler;
    const isFirst = this.#heard.first.length + this.#heard.second.length === 0;
    this.#heard[release].push(now);
    if (this.#releaseAt(now)?.name === release) this.#knownAt[release] ??= this.#ground.wall();
    if (!isFirst) return;
    for (const everyMinutes of new Set(this.#timed.map((one) => one.everyMinutes))) this.#expectNext(everyMinutes);
  }

  /** A wish to end the pause of this task has come to the object. */
  resumes(task: unknown): void {
    const until = this.#paused.findLast((one) => one.task === task)?.until ?? null;
    if (until !== null) until.calls += 1;
  }

  /** Somebody asks for it, or has been answered. `none`: the task has no schedules now, and nothing was paused or resumed. */
  steered(task: string, what: "pause" | "resume", come: "asked" | "done" | "none"): void {
    const { now } = this.#ground.scheduler;
    const last = this.#paused.findLast((one) => one.task === task);
    if (what === "resume") {
      if (last === undefined) return;
      last.isUncertain ||= last.from.doneAt === null;
      last.until ??= { sentAt: now, doneAt: null, calls: 0 };
      if (come === "done") last.until.doneAt ??= now;
      if (come !== "none") return;
      // It stays paused, unless a call before that one has ended it, whose answer was lost.
      if (last.until.calls > 1) last.isUncertain = true;
      else last.until = null;
    } else if (come === "asked") {
      if (last !== undefined && last.until === null) return;
      const from = { sentAt: now, wall: this.#ground.wall(), doneAt: null };
      this.#paused.push({ task, from, until: null, isUncertain: last?.isUncertain === true });
    } else if (last !== undefined) {
      last.from.doneAt ??= now;
      last.isUncertain ||= come === "none";
    }
  }

  /** A run is there. */
  recorded(seen: Seen): void {
    const { run, runId, carried } = seen;
    if (run.trigger.source !== "schedule") return;
    const { now } = this.#ground.scheduler;
    const dueAt = Date.parse(carried?.by.replace("schedule ", "") ?? "");
    const own = this.#timed.filter((one) => one.task === run.task && dueAt % (one.everyMinutes * 60_000) === 0);
    const say = (detail: string): void =>
      this.#ground.violate(INVARIANT, `${runId} of ${run.task}, due at ${new Date(dueAt).toISOString()}, ${detail}`);
    if (own.length === 0) return say("is due by no schedule");
    if (this.#ground.wall() + LATE_MS < dueAt && !this.#isClockSet()) say("is there before it is due");
    const key = keyOf(run.task, dueAt);
    const known = this.#runs.get(key);
    if (known !== undefined && known.runId !== runId) say(`is there beside ${known.runId}`);
    this.#runs.set(key, seen);
    if (this.#isClockSet()) return;
    const release = this.#releaseAt(now);
    const isGone = release !== null && own.every(({ presence }) => presence !== "both" && presence !== release.name);
    // What was due before is started all the same, however long it has to wait for the run before it.
    const goneMs = release === null ? 0 : dueAt - this.#ground.wall() + now - release.since;
    if (isGone && goneMs > SETTLING_MS && !this.#hasCause(release.since - CONSEQUENCES_MS))
      say(`was taken away ${goneMs / 1_000} s before that`);
    const paused = this.#paused.findLast(({ task, from }) => task === run.task && from.doneAt !== null);
    const isPaused =
      paused !== undefined && !paused.isUncertain && (paused.until === null || now < paused.until.sentAt);
    if (isPaused && this.#isSettled(paused.from.doneAt ?? now)) say("is paused");
  }

  /** The runs that are there now, to be held against the one that begins: those of one schedule do not overlap, if it says so. */
  overlaps(seen: Seen, all: Iterable<Seen>): void {
    const { run, runId } = seen;
    const cron = run.trigger.by;
    const schedule = this.#timed.find((one) => one.task === run.task && one.plan.cron === cron);
    if (run.trigger.source !== "schedule" || schedule === undefined || schedule.plan.overlap === "allow") return;
    for (const { run: other, gone, retries } of all) {
      const isSame = other.task === run.task && other.trigger.source === "schedule" && other.trigger.by === cron;
      if (isSame && !gone && retries === 0 && !isOver(other.status) && other.run_id !== runId && !this.#isClockSet())
        this.#ground.violate(INVARIANT, `${runId} begins while ${other.run_id} goes on (${schedule.plan.overlap})`);
    }
  }

  /** What was due while all went well, and each due time of a schedule that catches all of them up. */
  atRest(): void {
    for (const { task, everyMinutes, presence, plan } of this.#timed) {
      const end = this.#paused.findLast((one) => one.task === task)?.from;
      if (plan.catchUp.policy !== "all" || plan.overlap !== "allow" || end === undefined) continue;
      const isPausedBefore = this.#paused.filter((one) => one.task === task).length > 1;
      if (isPausedBefore || !this.#isDeployed(presence, end.sentAt)) continue;
      const everyMs = everyMinutes * 60_000;
      const { first, second } = this.#knownAt;
      const known = presence === "both" ? [first, second] : [this.#knownAt[presence]];
      const knownAt = Math.min(...known.map((at) => at ?? Number.POSITIVE_INFINITY));
      const [from, until] = [knownAt + SETTLING_MS, end.wall - SETTLING_MS - CONSEQUENCES_MS];
      for (let dueAt = Math.ceil(from / everyMs) * everyMs; dueAt < until; dueAt += everyMs)
        if (!this.#runs.has(keyOf(task, dueAt)))
          this.#ground.violate(INVARIANT, `${task} was due at ${new Date(dueAt).toISOString()}, and never had its run`);
    }
  }

  /** Looks a while after the next time of so many minutes whether all that was due then is there; and so on. */
  #expectNext(everyMinutes: number): void {
    const everyMs = everyMinutes * 60_000;
    const dueAt = (Math.floor(this.#ground.wall() / everyMs) + 1) * everyMs;
    this.#ground.scheduler.after(dueAt - this.#ground.wall() + LATE_MS, () => {
      for (const one of this.#timed) if (one.everyMinutes === everyMinutes) this.#isThere(one, dueAt);
      if (!this.#isEnded()) this.#expectNext(everyMinutes);
    });
  }

  #isEnded(): boolean {
    return this.#timed.every(({ task }) =>
      this.#paused.some((one) => one.task === task && one.until === null && one.from.doneAt !== null),
    );
  }

  #isThere({ task, presence, plan }: Timed, dueAt: number): void {
    const at = this.#ground.scheduler.now - LATE_MS;
    if (plan.overlap !== "allow" || this.#isClockSet() || this.#runs.has(keyOf(task, dueAt))) return;
    const release = this.#releaseAt(at);
    if (release === null || (presence !== "both" && presence !== release.name)) return;
    const since = presence === "both" ? Math.min(...this.#heard.first, ...this.#heard.second) : release.since;
    if (at - since < SETTLING_MS) return;
    const isPaused = this.#paused.some(
      ({ task: name, from, until, isUncertain }) =>
        name === task &&
        from.sentAt - SETTLING_MS < at &&
        (isUncertain || (until?.doneAt ?? Number.POSITIVE_INFINITY) + SETTLING_MS > at),
    );
    if (!isPaused && !this.#hasCause(at - CONSEQUENCES_MS))
      this.#ground.violate(
        INVARIANT,
        `${task} (${plan.cron}) was due at ${new Date(dueAt).toISOString()}, and has no run ${LATE_MS / 1_000} s later; the ${release.name} release counts`,
      );
  }

  /** Whether what was said then has come to something by now, since nothing went wrong. */
  #isSettled(since: number): boolean {
    return this.#ground.scheduler.now - since > SETTLING_MS && !this.#hasCause(since - CONSEQUENCES_MS);
  }

  #hasCause(since: number): boolean {
    return this.#killedAt >= since || this.#ground.struck.some(({ fault, at }) => at >= since && !HARMLESS.has(fault));
  }

  /** Which release counted then, and since when: the newest that is heard of; null: that cannot be told. */
  #releaseAt(at: number): { readonly name: ReleaseName; readonly since: number } | null {
    const [older, newer] = [this.#heard.first, this.#heard.second].map((times) => times.filter((time) => time <= at));
    const last = newer?.at(-1);
    if (older === undefined || newer === undefined) return null;
    if (last === undefined) return older[0] === undefined ? null : { name: "first", since: older[0] };
    if (older.length === 0 || at - last < SILENT_MS.least) {
      // It may have been silent before, so that the older one counted meanwhile.
      const since = newer.findLast((time, index) => time - (newer[index - 1] ?? 0) >= SILENT_MS.least) ?? newer[0];
      return since === undefined ? null : { name: "second", since };
    }
    const again = older.find((time) => time - last >= SILENT_MS.most);
    return again === undefined ? null : { name: "first", since: again };
  }

  /** Whether it is there, for a while, or comes back only now: then what was due meanwhile is made good. */
  #isDeployed(presence: Timed["presence"], at: number): boolean {
    const release = this.#releaseAt(at);
    if (presence === "both") return true;
    return release?.name === presence && at - release.since > CONSEQUENCES_MS;
  }

  #isClockSet(): boolean {
    return this.#ground.faults.kinds.has("clock_step");
  }
}

function keyOf(task: string, dueAt: number): string {
  return `${task} ${dueAt}`;
}
