/**
 * The world of one seed: random pipelines, clients that trigger them, and the real protocol, machine, store and driver on a
 * platform that fails. Faults stop after a while; then everything must come to its end by itself.
 *
 * What surrounds these parts is written here a second time, so that what is wrong between them is not seen: for that there are the
 * worlds of test/engine-simulation, which run the whole worker. Those are to take over what only these find so far, which is listed
 * in test/engine-simulation/bugs.ts as not seen yet; then this folder may go.
 */
import { graphFrom } from "../../src/core/graph.ts";
import type { RunId } from "../../src/core/ids.ts";
import type { Plan } from "../../src/core/plan.ts";
import type { Owed, Run } from "../../src/core/run.ts";
import type { Effect } from "../../src/core/run-event.ts";
import type { TriggerOrigin } from "../../src/core/trigger.ts";
import type { RunProtocol } from "../../src/run/run-protocol.ts";
import type { Grant, Lease, SettleRequest } from "../../src/run/run-rpc.ts";
import { drive, DRIVER_BUDGET_MS } from "../../src/task/driver.ts";
import { Bucket } from "./bucket.ts";
import { CatalogHost } from "./catalog-host.ts";
import { checkListed } from "./catalog-checker.ts";
import { Checker } from "./checker.ts";
import { ControlsHost } from "./controls-host.ts";
import { DeathsHost } from "./deaths-host.ts";
import { Dice } from "../engine-simulation/ground/dice.ts";
import { ExecutorHosts } from "./executor-hosts.ts";
import { Ground, type Limits, type Outcome } from "../engine-simulation/ground/ground.ts";
import { Invocation, PassingError, StoreError } from "./invocation.ts";
import { LimitHosts } from "./limit-hosts.ts";
import { arrayOf } from "./lengths.ts";
import { makePipelines, planWithout, RETENTION_MS, TOLD, type Pipelines, type Trigger } from "./pipelines.ts";
import { Outside } from "./outside.ts";
import { copied } from "./plain-data.ts";
import { groupOf } from "./slot-checker.ts";
import { Queue } from "./queue.ts";
import { finalNotice, RunHost } from "./run-host.ts";
import { discard, OF_ALL } from "./accepting.ts";
import { runIdFor } from "./run-id.ts";
import { executeAttempt, storeText, type TaskWorld } from "./task-code.ts";

/** How long there are faults. */
const FAULTS_MS = 15 * 60_000;
/** Of an invocation's `waitUntil`. */
const LIFE_MS = 30_000;
/** As in run/run-client.ts. */
const CALL_PAUSES_MS = [50, 200, 800, 2_000, 4_000];
/** Far beyond what any world needs. */
const EVENT_LIMIT = 200_000;
const TIME_LIMIT_MS = 12 * 86_400_000;
const POLL_MS = 3 * 60_000;

/** Lives through the world of this seed. `telling` writes its story down. */
export async function simulate(seed: number, limits: Limits, telling = false): Promise<Outcome> {
  const world = new World(seed, limits, telling);
  return world.live();
}

const AT_ONCE = { delayMs: 0, debounced: false };

class World {
  readonly #ground: Ground;
  readonly #bucket = new Bucket();
  readonly #checker: Checker;
  readonly #pipelines: Pipelines;
  readonly #hosts = new Map<RunId, RunHost>();
  readonly #catalogs = new Map<string, CatalogHost>();
  readonly #executors: ExecutorHosts;
  readonly #limits: LimitHosts;
  readonly #controls: ControlsHost;
  readonly #deaths: DeathsHost;
  readonly #queue: Queue;
  readonly #tasks: TaskWorld;
  readonly #outside: Outside;
  #plan: Plan;
  #removed: readonly string[] = [];
  #invocations = 0;
  #deploys = 0;
  #keyless = 0;

  constructor(seed: number, limits: Limits, telling: boolean) {
    this.#ground = new Ground(seed, limits, telling);
    this.#pipelines = makePipelines(new Dice(seed).fork("pipelines"), limits);
    this.#plan = this.#pipelines.plan;
    const { behaviours } = this.#pipelines;
    const isRemoved = (method: string): boolean => this.#removed.includes(method);
    this.#checker = new Checker(this.#ground, this.#bucket, behaviours, isRemoved);
    this.#deaths = new DeathsHost(this.#ground);
    this.#executors = new ExecutorHosts(this.#ground, {
      version: () => `deploy ${this.#deploys}`,
      begin: (from, { runId, ordinal }, holder, claim) =>
        this.#callRun(from, runId, `begin ${ordinal}`, (run) =>
          run.begin(ordinal, holder, { ...this.#controls.paused, ...claim }),
        ),
      died: (from, order, death) => this.#deaths.died(from, order, death),
      askTrial: (from, { runId, ordinal }, trial) => this.#deaths.askTrial(from, runId, ordinal, trial),
      trialOver: (from, { runId, ordinal }) => this.#deaths.trialOver(from, runId, ordinal),
      execute: (from, lease) => executeAttempt(this.#tasks, from, lease),
      settle: async (from, { runId }, settlement, onFailure) => {
        await this.#settle(from, runId, { settlements: [settlement], claim: null }, onFailure);
      },
    });
    this.#controls = new ControlsHost(this.#ground, (life, task, runId) =>
      this.#callRun(life, runId, "resumed", (run) => void run.hold({ type: "resumed", task })),
    );
    this.#limits = new LimitHosts(this.#ground, this.#checker.slots, CALL_PAUSES_MS, {
      call: (life, runId, what, work) => this.#callRun(life, runId, what, work),
      awaitResume: (life, task, runId) =>
        life.retrying(CALL_PAUSES_MS, () => this.#controls.awaitResume(life, task, runId)),
      hold: (runId, event) => this.#host(runId).invoke(event.type, (run) => run.hold(event)),
    });
    this.#queue = new Queue(this.#ground, (runId) => this.#drive(runId));
    this.#outside = new Outside({
      ground: this.#ground,
      bucket: this.#bucket,
      checker: this.#checker,
      behaviours,
      callRun: (from, runId, what, work) => this.#callRun(from, runId, what, work),
    });
    this.#tasks = {
      ground: this.#ground,
      bucket: this.#bucket,
      checker: this.#checker,
      behaviours,
      isRemoved,
      expect: (from, runId) => this.#expect(from, runId),
      held: () => Promise.reject(new Error("no payload of this world is that large")),
      handOver: (lease) => this.#outside.handOver(lease),
      trigger: (from, lease, target, nth, large) => this.#triggerFromTask(from, lease, target, nth, large),
      isFinal: (from, runId) =>
        this.#callRun(from, runId, "untilFinal", (run) => (run.load()?.finishedAt ?? null) !== null),
      isOver: (lease) => this.#isOver(lease),
      gather: (from, { runId, ordinal }, index) =>
        this.#callRun(from, runId, `gather ${ordinal}`, () => this.#host(runId).gather(ordinal, index)),
      recordStep: (from, lease, name, result) => {
        const { runId, ordinal, attempt, token } = lease;
        return this.#callRun(from, runId, `step ${name} of ${ordinal}/${attempt}`, (run) => {
          const isKept = run.recordStep(copied({ ordinal, attempt, token, name, result }));
          if (isKept) this.#checker.stepKept(lease, name);
          return isKept;
        });
      },
    };
  }

  async live(): Promise<Outcome> {
    const { scheduler } = this.#ground;
    for (const trigger of this.#pipelines.triggers) this.#schedule(trigger);
    for (const task of this.#pipelines.paused)
      this.#controls.schedule(task, this.#ground.dice.fork(`pause of ${task}`));
    this.#scheduleUpheavals();
    const { faults: weather } = this.#ground;
    scheduler.after(FAULTS_MS, () => weather.stop());
    scheduler.after(RETENTION_MS - FAULTS_MS, () =>
      checkListed(this.#ground, this.#catalogs.values(), this.#checker.runs),
    );
    // Once more when the runs are forgotten.
    scheduler.after(RETENTION_MS - FAULTS_MS, () => weather.resume());
    scheduler.after(RETENTION_MS + FAULTS_MS, () => weather.stop());
    const events = await scheduler.run(
      EVENT_LIMIT,
      () => this.#ground.violation === null && scheduler.now < TIME_LIMIT_MS,
    );
    if (events === EVENT_LIMIT || scheduler.now >= TIME_LIMIT_MS) {
      this.#ground.violate(
        "2 never stuck",
        `after ${events} events and ${Math.round(scheduler.now / 3_600_000)} h the world is not at rest`,
      );
    }
    this.#checker.atRest();
    this.#checker.slots.atRest(this.#limits.hosts);
    this.#executors.atRest();
    this.#deaths.atRest();
    if (!this.#controls.storage.isEmpty) this.#ground.violate("10 nothing is left", "the controls object");
    const kept = [...this.#hosts.values()].filter(({ storage }) => !storage.isEmpty).map(({ runId }) => runId);
    if (kept.length > 0) this.#ground.violate("10 nothing is left", `run objects: ${kept.join(", ")}`);
    for (const [task, catalog] of this.#catalogs) {
      if (catalog.rows > 0)
        this.#ground.violate("10 nothing is left", `${catalog.rows} rows in the catalogue of ${task}`);
      catalog.storage.close();
    }
    for (const host of [...this.#hosts.values(), ...this.#limits.hosts, this.#controls]) host.storage.close();
    const tasks = [...this.#checker.runs.values()].reduce((sum, { states }) => sum + states.length, 0);
    const { violation, story, faults } = this.#ground;
    const { struck, kinds } = faults;
    return { violation, story, events, faults: struck, kinds, runs: this.#checker.runs.size, tasks };
  }

  #scheduleUpheavals(): void {
    const { scheduler, dice } = this.#ground;
    for (let upheaval = 0; upheaval < 3; upheaval += 1) {
      scheduler.after(dice.between(1_000, 300_000), () => {
        if (this.#ground.strikes("clock_step", () => "", 20))
          this.#ground.stepClock(dice.pick([-300_000, -20_000, -1_000, 1_000, 60_000, 400_000]));
        if (this.#ground.strikes("deploy", () => "every object is reset", 20)) this.#deploy();
        if (this.#ground.strikes("deploy_removes_method", () => this.#pipelines.removable.join(", "), 20)) {
          this.#removed = this.#pipelines.removable;
          this.#plan = planWithout(this.#pipelines.plan, this.#removed);
          this.#deploy();
        }
      });
    }
  }

  #deploy(): void {
    this.#deploys += 1;
    this.#checker.deployed();
    for (const host of this.#hosts.values()) host.reset("its code was updated");
    for (const catalog of this.#catalogs.values()) catalog.reset();
    this.#executors.reset();
    for (const limit of this.#limits.hosts) limit.reset("its code was updated");
  }

  #schedule(trigger: Trigger): void {
    const { scheduler, dice } = this.#ground;
    for (let copy = 0; copy < trigger.copies; copy += 1) {
      scheduler.after(trigger.atMs + dice.between(0, copy * 500), () => void this.#request(trigger, 0));
    }
    const { key, cancelAfterMs, cancelChildren, task } = trigger;
    if (key === null) return;
    const runId = runIdFor(task, key);
    if (cancelAfterMs !== null)
      scheduler.after(
        trigger.atMs + cancelAfterMs,
        () => void this.#steer(runId, "cancel", (run) => run.cancel(cancelChildren)?.cancelled ?? false),
      );
    for (const afterMs of trigger.retryAfterMs)
      scheduler.after(
        trigger.atMs + afterMs,
        () => void this.#steer(runId, "retry", (run) => run.retry()?.outcome ?? "no run"),
      );
  }

  /** A client: one with a key sends its trigger again until it has an answer. */
  async #request(trigger: Trigger, tries: number): Promise<void> {
    const ground = this.#ground;
    const again = (): void => {
      if (trigger.key !== null)
        ground.scheduler.after(ground.dice.between(1_000, 10_000), () => void this.#request(trigger, tries + 1));
    };
    const client = new Invocation(ground, `request ${++this.#invocations}`, LIFE_MS, again);
    try {
      const runId = await this.#accept(
        client,
        trigger.task,
        trigger.key,
        trigger.large,
        { source: "api", by: "test", parent: null },
        trigger,
      );
      ground.tell(() => `${client.name} triggered ${trigger.task}: ${runId}`);
    } catch (error) {
      if (!(error instanceof PassingError || error instanceof StoreError))
        ground.violate("no throw", `accept: ${String(error)}`);
      again();
    }
  }

  /** As `createAcceptTrigger`: payload first, then the run; a duplicate's payload is discarded; direct runs are driven here. */
  async #accept(
    from: Invocation,
    task: string,
    key: string | null,
    large: boolean,
    origin: TriggerOrigin,
    { delayMs, debounced }: Pick<Trigger, "delayMs" | "debounced"> = AT_ONCE,
  ): Promise<RunId | null> {
    const graph = graphFrom(this.#plan, task);
    if (graph === null) return null;
    const runId = runIdFor(task, key ?? `none ${++this.#keyless}`);
    const nonce = `${++this.#invocations}`;
    const stored = await storeText(
      this.#bucket,
      from,
      `runs/${runId}/trigger-${nonce}`,
      `trigger ${nonce} of ${runId}`,
      large,
      graph.inlineLimitBytes,
      () => this.#callRun(from, runId, "expect a payload", (run) => run.expectPayload(nonce)),
    );
    const payload = arrayOf(stored, `length of ${nonce} ${runId}`);
    const claim = { holding: 0, budgetMs: from.budgetMs };
    const isDirect = graph.dispatch === "direct" && !debounced;
    const more = { ...OF_ALL, limitKeys: groupOf(runId), delayMs, ...(isDirect && { claim }) };
    const request = { runId, nonce, graph, origin, payload, ...more };
    const answer = await this.#callRun(from, runId, `accept ${task}`, (run) =>
      debounced ? run.acceptOrPostpone(copied(request)) : run.accept(copied(request)),
    );
    // Null: the run of this window has started; this world lets the trigger go with it.
    const { outcome, grant } = answer ?? { outcome: "recorded", grant: { leases: [] } };
    if (outcome === "deduplicated" && !debounced) void discard(this.#bucket, from, payload);
    if (grant.leases.length > 0) this.#drive(runId, grant, from);
    return runId;
  }

  #triggerFromTask(from: Invocation, lease: Lease, target: string, nth: number, large: boolean): Promise<RunId | null> {
    const { runId, task, item } = lease;
    const key = `child:${JSON.stringify([runId, task, item?.index ?? null, target, nth])}`;
    return this.#accept(from, target, key, large, {
      source: "task",
      by: task,
      parent: { runId, task, isChild: true },
    });
  }

  /** A report, as it gets through; those that do not would change nothing. */
  #isOver({ runId, ordinal, attempt, token, ...lease }: Lease): boolean {
    const said = this.#hosts
      .get(runId)
      ?.reported((run) => run.report([{ ordinal, attempt, token, from: 0, lines: [], dropped: 0 }]));
    for (const { over } of said ?? []) this.#checker.told({ runId, ordinal, attempt, token, ...lease }, over !== null);
    return said?.some(({ over }) => over !== null) ?? false;
  }

  async #steer(runId: RunId, how: "cancel" | "retry", work: (run: RunProtocol) => unknown): Promise<void> {
    const user = new Invocation(this.#ground, `${how} of ${runId}`);
    try {
      const outcome = await this.#callRun(user, runId, how, work);
      this.#ground.tell(() => `${user.name}: ${String(outcome)}`);
    } catch (error) {
      this.#ground.tell(() => `${user.name} failed: ${String(error)}`);
    }
  }

  #drive(runId: RunId, first?: Grant, carrier?: Invocation): void {
    const ground = this.#ground;
    const id = `${++this.#invocations}`;
    const driver = carrier ?? new Invocation(ground, `driver ${id}`, LIFE_MS);
    const startedAt = ground.wall();
    const world = {
      id,
      claim: (request: Parameters<RunProtocol["claim"]>[0]) =>
        this.#callRun(driver, runId, "claim", (run) => run.claim({ ...request, ...this.#controls.paused })),
      settle: (request: SettleRequest) => this.#settle(driver, runId, request),
      execute: (lease: Lease) => executeAttempt(this.#tasks, driver, lease),
      budgetMs: () => DRIVER_BUDGET_MS - (ground.wall() - startedAt),
      pause: (ms: number) => driver.timer(ms),
    };
    void drive(world, first).catch((error: unknown) => {
      ground.tell(() => `${driver.name} gives ${runId} up: ${String(error)}`);
      if (!(error instanceof PassingError)) ground.violate("no throw", `driver: ${String(error)}`);
    });
  }

  #expect(from: Invocation, runId: RunId): Promise<void> {
    return this.#callRun(from, runId, "expect an output", (run) => void run.expectOutput());
  }

  #settle(from: Invocation, runId: RunId, request: SettleRequest, onFailure?: () => Promise<void>): Promise<Grant> {
    return this.#callRun(
      from,
      runId,
      `settle ${request.settlements.map(({ ordinal, attempt }) => `${ordinal}/${attempt}`).join(" ")}`,
      (run) => {
        const settled = this.#checker.settling(run.load(), request.settlements);
        const claim = request.claim === null ? null : { ...request.claim, ...this.#controls.paused };
        const grant = run.settle(copied({ ...request, claim }));
        settled();
        return grant;
      },
      onFailure,
    );
  }

  /** As `callRun`. */
  #callRun<T>(
    from: Invocation,
    runId: RunId,
    what: string,
    work: (run: RunProtocol) => T,
    onFailure?: () => Promise<void>,
  ): Promise<T> {
    const call = (): Promise<T> => from.call(`${what} of ${runId}`, () => this.#host(runId).invoke(what, work));
    return from.retrying(CALL_PAUSES_MS, call, onFailure);
  }

  #host(runId: RunId): RunHost {
    const known = this.#hosts.get(runId);
    if (known !== undefined) return known;
    const host = new RunHost(runId, {
      ground: this.#ground,
      bucket: this.#bucket,
      perform: (life, run, effect) => this.#perform(life, run, effect),
      isOpen: (life, other) => this.#callRun(life, other, "describe", (run) => run.load()?.finishedAt === null),
      tellParent: async (life, parent, child) =>
        void (await this.#callRun(life, parent, "know a child", (run) => run.knowChild(child))),
      tellCatalog: async (life, summary, keep) => {
        const answer = await life.retrying([100, 500], () =>
          life.call(`tell the catalogue of ${summary.id}`, () =>
            this.#catalog(summary.task).invoke(`record ${summary.id}`, (catalog) =>
              catalog.record(copied(summary), keep),
            ),
          ),
        );
        return answer === true;
      },
      observe: (observed, run, call) => this.#checker.observe(observed, run, call),
      alarmGivenUp: (given) => this.#poll(given),
    });
    this.#hosts.set(runId, host);
    return host;
  }

  #catalog(task: string): CatalogHost {
    const known = this.#catalogs.get(task);
    if (known !== undefined) return known;
    const host = new CatalogHost(task, this.#ground);
    this.#catalogs.set(task, host);
    return host;
  }

  #perform(life: Invocation, run: Run, effect: Effect): void {
    this.#ground.tell(() => `${run.id}: ${JSON.stringify(effect)}`);
    switch (effect.type) {
      case "dispatch":
        void this.#queue.send(life, run.id, effect.drivers);
        break;
      case "start_executor":
        void this.#executors.start(life, run.id, effect);
        break;
      case "note_death": {
        const ageMs = this.#ground.wall() - effect.startedAt;
        return void this.#deaths.note(life, run.id, null, effect.token, ageMs);
      }
      case "finished":
      case "untold":
        break;
      case "watch":
        for (const awaited of effect.runIds) void this.#watch(life, run.id, awaited);
        break;
      case "tell":
        for (const watcher of effect.runIds) void this.#tell(life, run.id, watcher, effect.revision);
        break;
      case "pay":
        return void this.#pay(life, run, effect.owed);
      case "park":
        return this.#ground.violate("6 nobody forgotten", `${run.id} gives up what it owes`);
      case "ask_slot":
      case "give_slot_back":
      case "spend_slot":
      case "await_resume":
        void this.#atBest(`${run.id}: ${effect.type} failed`, () => this.#limits.perform(life, run.id, effect));
        break;
    }
  }

  /** As the object pays its debts: for the alert, an entrypoint of the worker accepts the trigger. */
  #pay(life: Invocation, run: Run, { id, debt }: Owed): Promise<void> {
    return this.#atBest(`${run.id} could not pay ${debt.type}`, async () => {
      if (debt.type === "alert") {
        const origin = { source: "task", by: TOLD, parent: { runId: run.id, task: TOLD } } as const;
        await this.#accept(life, run.graph.onFailure ?? "", `alert:${run.id}:${run.createdAt}:${id}`, false, origin);
        this.#host(run.id).invoke("paid", (paying) => paying.paid(id, null));
        return;
      }
      const children = run.children.slice(debt.next, Math.min(debt.until, debt.next + 2));
      for (const { runId } of children)
        await this.#callRun(life, runId, "cancel", (child) => child.cancel(true)?.cancelled ?? false);
      this.#host(run.id).invoke("paid", (paying) => paying.paid(id, debt.next + children.length));
    });
  }

  /** As `watchRuns`, and what the object does with the answer. */
  #watch(life: Invocation, runId: RunId, awaited: RunId): Promise<void> {
    return this.#atBest(`${runId} could not ask ${awaited}`, async () => {
      const isFinal = await this.#callRun(life, awaited, "watch", (run) => run.watch(runId));
      if (isFinal) this.#host(runId).invoke("awaited", (run) => run.awaited([finalNotice(awaited)]));
    });
  }

  /** As `tellRuns`, and what the object does with the answer. */
  #tell(life: Invocation, runId: RunId, watcher: RunId, revision: number): Promise<void> {
    return this.#atBest(`${runId} could not tell ${watcher}`, async () => {
      await this.#callRun(life, watcher, "awaited", (run) => run.awaited([finalNotice(runId)]));
      this.#host(runId).invoke("told", (run) => run.told([watcher], revision));
    });
  }

  async #atBest(failure: string, perform: () => Promise<void>): Promise<void> {
    try {
      await perform();
    } catch (error) {
      this.#ground.tell(() => `${failure}: ${String(error)}`);
      if (!(error instanceof PassingError)) this.#ground.violate("no throw", `${failure}: ${String(error)}`);
    }
  }

  /** Somebody looks at a run whose alarm was given up, now and then until its alarm is set again: no other help is needed. */
  #poll(host: RunHost): void {
    this.#ground.scheduler.after(POLL_MS, () => {
      if (host.storage.isEmpty || !host.isGivenUp) return;
      try {
        host.invoke("describe", (run) => run.load());
      } catch (error) {
        this.#ground.tell(() => `a look at ${host.runId} failed: ${String(error)}`);
      }
      this.#poll(host);
    });
  }
}
