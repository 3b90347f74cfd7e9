/**
 * The world of one seed: the real worker on a platform that fails, random pipelines, and clients. Faults stop after a
 * while. Every run must then end by itself, and nothing may be left.
 *
 * Only the HTTP side of Peach has a second implementation here.
 */
import { parseRunId } from "../../src/domain/ids.ts";
import { Checkers } from "./checkers.ts";
import { Clients } from "./clients.ts";
import { Dice } from "../../src/testing/ground/dice.ts";
import { Ground, type Limits, type Outcome } from "../../src/testing/ground/ground.ts";
import { Ledger } from "./ledger.ts";
import { methodsOf } from "./methods.ts";
import type { WorkerCode } from "../../src/testing/platform/worker-code.ts";
import type { Release } from "../../src/testing/platform/isolate.ts";
import type { ObjectHost } from "../../src/testing/platform/object-host.ts";
import { isPlatforms } from "../../src/testing/platform/wire.ts";
import { releaseOf, RequestDied, Rig } from "../../src/testing/platform/rig.ts";
import { drawScenario, MOST_SKEW_MS, RETENTION_MS, type Scenario } from "./scenario.ts";
import { drawFocus, drawTheme, themeOf } from "./themes.ts";
import { Watcher } from "./watcher.ts";

/** How long there are faults. */
const FAULTS_MS = 15 * 60_000;
/**
 * Far beyond what any world needs in which nothing goes wrong: so many, and more for each task of its runs, since a run whose tasks
 * trigger others makes more of them; each fault makes work, over and over while there are faults. Suspects are tried one after the
 * other and ask for their turn meanwhile: each worker that a task kills after a minute costs the others of twenty some hundred events.
 */
const EVENT_LIMIT = 50_000;
const EVENTS_PER_TASK = 600;
const EVENTS_PER_FAULT = 20;
const EVENTS_PER_KILL = 600;
/** Of a heavy world, and of any. */
const HEAVY_EVENT_LIMIT = 1_000_000;
const TIME_LIMIT_MS = 60 * 86_400_000;
const POLL_MS = 3 * 60_000;

/** The watchdog of the schedules, as wrangler.toml has it. */
const WATCHDOG_MS = 5 * 60_000;

/** When the releases were made, in their order; long before they are deployed. */
const MADE_AT = { first: "2026-05-01T08:00:00.000Z", second: "2026-05-02T08:00:00.000Z" } as const;

function variablesOf(release: keyof typeof MADE_AT): Readonly<Record<string, unknown>> {
  return {
    PEACH_URL: "https://peach.example",
    PEACH_LOCAL: "0",
    CF_VERSION_METADATA: { id: `version of ${release}`, tag: "", timestamp: MADE_AT[release] },
  };
}

/** Lives through the world of this seed with this code of the worker. `telling` writes its story down. */
export async function simulate(code: WorkerCode, seed: number, limits: Limits, telling = false): Promise<Outcome> {
  const world = new World(code, seed, limits, telling);
  return world.live();
}

class World {
  readonly #ground: Ground;
  readonly #rig: Rig;
  readonly #ledger: Ledger;
  readonly #scenario: Scenario;
  readonly #watcher: Watcher;
  readonly #checkers: Checkers;
  readonly #clients: Clients;
  readonly #releases: readonly Release[];

  constructor(code: WorkerCode, seed: number, limits: Limits, telling: boolean) {
    const dice = new Dice(seed);
    const theme = limits.theme === undefined ? drawTheme(dice.fork("theme")) : themeOf(limits.theme);
    const mostFaults = Math.min(limits.faults, theme?.mostFaults ?? limits.faults);
    const focus = theme === null ? null : drawFocus(theme, dice.fork("focus"));
    const ground = (this.#ground = new Ground(seed, { ...limits, faults: mostFaults }, telling, focus));
    ground.tell(() => `a world about ${theme?.name ?? "anything"}`);
    this.#scenario = theme?.draw(dice.fork(theme.name), limits) ?? drawScenario(dice.fork("scenario"), limits);
    const ledger = (this.#ledger = new Ledger());
    const { plan, plans, behaviours, removable } = this.#scenario;
    const checkers = (this.#checkers = new Checkers({
      ground,
      ledger,
      scenario: this.#scenario,
      rig: () => this.#rig,
      watcher: () => this.#watcher,
      ended: (runId) => this.#clients.ended(runId),
    }));
    const methods = methodsOf(
      {
        rig: () => this.#rig,
        ledger,
        behaviours,
        isExternal: (task) => plan.tasks[task]?.external === true,
        reads: (task, payload, note) => checkers.reads(task, payload, note),
        killed: () => checkers.killed(),
        handedOver: (task, behaviour) => this.#clients.handedOver(task, behaviour),
        stepRead: (task, name, text) => checkers.steps.read(task, name, text),
        violate: (invariant, detail) => ground.violate(invariant, detail),
      },
      Object.keys(plan.tasks),
    );
    const without = Object.fromEntries(Object.entries(methods).filter(([name]) => !removable.includes(name)));
    this.#releases = [
      releaseOf("release 1", code, plan, () => methods, variablesOf("first")),
      releaseOf("release 2", code, plans.get("second") ?? plan, () => without, variablesOf("second")),
    ];
    const [first] = this.#releases;
    if (first === undefined) throw new Error("there is no release");
    const skews = ground.strikes("clock_skew", () => "clocks differ", 20) ? dice.fork("skews") : null;
    this.#rig = new Rig({
      ground,
      seed,
      first,
      skewOf: (label) => (skews === null ? 0 : skews.fork(label).between(-MOST_SKEW_MS, MOST_SKEW_MS)),
      committed: (host, performed) => this.#watcher.committed(host, performed),
      alarmGivenUp: (host) => this.#poll(host),
      refuses: (host, method) => this.#isCutOff(host, method),
      called: ({ className, name }, method, given) => {
        if (className === "SchedulesObject") checkers.schedulesCalled(method, given);
        if (className === "ExecutorObject" && method === "start") checkers.started(name, given);
      },
    });
    this.#rig.platform.thrown = (life, method, thrown) => {
      ground.tell(() => `${life.name}: ${method} throws ${thrown instanceof Error ? thrown.stack : String(thrown)}`);
      if (!isExpected(thrown)) ground.violate("no throw", `${life.name}: ${method}: ${describe(thrown)}`);
    };
    this.#rig.queues.runs.taken = (body, isLost) => checkers.sent(body, isLost);
    this.#watcher = new Watcher(ground, checkers, () => this.#rig.payloads);
    this.#clients = new Clients({
      ground,
      rig: this.#rig,
      scenario: this.#scenario,
      failed: (name, error) => {
        if (!isExpected(error)) ground.violate("no throw", `${name}: ${describe(error)}`);
      },
      ...checkers.clients(),
    });
  }

  /** A rejection that nobody handles is an error of the worker: on the platform it is logged, and nothing acts on it. */
  async live(): Promise<Outcome> {
    const unhandled = (error: unknown): void => this.#ground.violate("no throw", `nobody handles ${describe(error)}`);
    process.on("unhandledRejection", unhandled);
    try {
      const outcome = await this.#live();
      // Rejections are told once no turn is left.
      await new Promise((resolve) => setImmediate(resolve));
      return { ...outcome, violation: this.#ground.violation };
    } finally {
      process.off("unhandledRejection", unhandled);
    }
  }

  async #live(): Promise<Outcome> {
    const { faults: weather, scheduler } = this.#ground;
    this.#clients.begin();
    this.#scheduleUpheavals();
    if (this.#scenario.timed.length > 0) this.#watchSchedules();
    const { stopped } = this.#scenario;
    if (stopped !== null) {
      scheduler.after(stopped.atMs, () => this.#rig.queues.runs.stop());
      scheduler.after(stopped.atMs + stopped.forMs, () => this.#rig.queues.runs.start());
    }
    for (const { atMs, release, share } of this.#scenario.rollouts)
      scheduler.after(atMs, () => this.#rollOut(this.#releases[release === "first" ? 0 : 1], share));
    scheduler.after(FAULTS_MS, () => weather.stop());
    scheduler.after(RETENTION_MS - FAULTS_MS, () => this.#checkers.beforeRetention());
    // Once more when the runs are forgotten.
    scheduler.after(RETENTION_MS - FAULTS_MS, () => weather.resume());
    scheduler.after(RETENTION_MS + FAULTS_MS, () => weather.stop());
    let lived = 0;
    let most = EVENT_LIMIT;
    // Counted anew only where it might have been reached: it grows with the world.
    const isWithin = (): boolean => lived < most || lived < (most = this.#mostEvents);
    const goesOn = (): boolean => this.#ground.violation === null && scheduler.now < TIME_LIMIT_MS && isWithin();
    const events = await this.#rig.platform.run(HEAVY_EVENT_LIMIT, () => {
      lived += 1;
      if (!this.#watcher.hasNews) return goesOn();
      return this.#watcher.look().then(goesOn);
    });
    if (!isWithin() || scheduler.now >= TIME_LIMIT_MS)
      this.#ground.violate(
        "2 never stuck",
        `after ${events} events and ${Math.round(scheduler.now / 3_600_000)} h the world is not at rest`,
      );
    this.#checkers.atRest();
    this.#rig.close();
    const all = this.#watcher.all();
    const { violation, story, faults } = this.#ground;
    return {
      violation,
      story,
      events,
      faults: faults.struck,
      kinds: faults.kinds,
      runs: all.length,
      tasks: all.reduce((sum, { run }) => sum + run.tasks.length, 0),
    };
  }

  get #mostEvents(): number {
    if (this.#scenario.kind === "heavy") return HEAVY_EVENT_LIMIT;
    const tasks = this.#watcher.all().reduce((sum, { run }) => sum + run.tasks.length, 0);
    const most =
      EVENT_LIMIT +
      EVENTS_PER_TASK * tasks +
      EVENTS_PER_FAULT * this.#ground.faults.struck +
      EVENTS_PER_KILL * this.#ledger.kills;
    return Math.min(HEAVY_EVENT_LIMIT, most);
  }

  #isCutOff({ className, name }: ObjectHost, method: string): boolean {
    const { cutOff } = this.#scenario;
    if (cutOff === null || className !== "RunObject") return false;
    const sinceMs = this.#ground.scheduler.now - cutOff.atMs;
    const runId = parseRunId(name);
    if (runId === null || sinceMs < 0 || sinceMs >= cutOff.forMs || method !== (cutOff.method ?? method)) return false;
    return this.#watcher.runs.get(runId)?.run.task === cutOff.task;
  }

  /** The cron trigger, until schedules are paused for good. */
  #watchSchedules(): void {
    const untilMs = Math.max(...this.#scenario.schedulePauses.map(({ atMs }) => atMs)) + WATCHDOG_MS;
    for (let atMs = this.#ground.dice.between(0, WATCHDOG_MS); atMs < untilMs; atMs += WATCHDOG_MS)
      this.#ground.scheduler.after(atMs, () => this.#rig.scheduled());
  }

  #scheduleUpheavals(): void {
    const { scheduler, dice } = this.#ground;
    const { edge } = this.#rig;
    for (let upheaval = 0; upheaval < 3; upheaval += 1) {
      scheduler.after(dice.between(1_000, 300_000), () => {
        if (this.#ground.strikes("clock_step", () => "", 20))
          this.#ground.stepClock(dice.pick([-300_000, -20_000, -1_000, 1_000, 60_000, 400_000]));
        if (this.#ground.strikes("deploy", () => "every object is reset", 20)) this.#resetAll();
        if (this.#ground.strikes("deploy_side_by_side", () => this.#scenario.removable.join(", "), 20))
          this.#deploySideBySide();
        if (this.#ground.strikes("deploy_removes_method", () => this.#scenario.removable.join(", "), 20)) {
          const [, second] = this.#releases;
          if (second !== undefined) edge.deploy(second, 0);
          if (second !== undefined) this.#checkers.deployed(second.name);
          this.#resetAll();
        }
      });
    }
  }

  /** The second release comes, is taken back, and comes again, for a part of everything at a time. */
  #deploySideBySide(): void {
    const { scheduler, dice } = this.#ground;
    let atMs = 0;
    for (let change = dice.between(1, 4); change > 0; change -= 1) {
      const share = change === 1 ? 0 : dice.pick([0.1, 0.5, 0.9]);
      const release = this.#releases[change % 2];
      scheduler.after(atMs, () => this.#rollOut(release, share));
      atMs += dice.between(1_000, 200_000);
    }
  }

  #rollOut(release: Release | undefined, share: number): void {
    if (release === undefined) return;
    const { scheduler, dice } = this.#ground;
    this.#rig.edge.deploy(release, share);
    this.#checkers.deployed(release.name);
    // Objects are updated one after the other.
    for (const host of this.#rig.edge.hosts)
      scheduler.after(dice.between(0, 60_000), () => host.reset("its code was updated"));
  }

  #resetAll(): void {
    for (const host of this.#rig.edge.hosts) host.reset("its code was updated");
  }

  /** Somebody looks at an object whose alarm was given up, now and then until its alarm is set again: no other help is needed. */
  #poll(host: ObjectHost): void {
    this.#ground.scheduler.after(POLL_MS, () => {
      if (host.storage.isEmpty || !host.isGivenUp) return;
      const runId = parseRunId(host.name);
      if (runId === null || host.className !== "RunObject") return;
      this.#rig
        .request(`a look at ${runId}`, ({ worker, env }) => worker.callRun(env, runId, (run) => run.describe()))
        .catch((error: unknown) => this.#ground.tell(() => `a look at ${runId} failed: ${String(error)}`));
      this.#poll(host);
    });
  }
}

/** What the surroundings did to it, and not the code. */
function isExpected(thrown: unknown): boolean {
  if (isPlatforms(thrown) || thrown instanceof RequestDied) return true;
  if (!(thrown instanceof Error)) return false;
  return (
    isExpected(thrown.cause) ||
    /RunUnreachable|IdentityUnreachable|no longer active|could not be recorded|PayloadStore|CallTimeout/.test(
      `${thrown.name} ${thrown.message}`,
    )
  );
}

function describe(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}
