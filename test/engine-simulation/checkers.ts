/** Runs all checks of a simulated world. */
import { parseRunId } from "../../src/domain/ids.ts";
import type { TaskPlan } from "../../src/domain/plan/plan.ts";
import type { RunDocument } from "../../src/objects/run/run-documents-rpc.ts";
import { CancelCheck } from "./checks/cancel-check.ts";
import { LimitCheck } from "./checks/limit-check.ts";
import { JournalCheck } from "./checks/journal-check.ts";
import { LossCheck } from "./checks/loss-check.ts";
import { MessageCheck } from "./checks/message-check.ts";
import { BlameCheck } from "./checks/blame-check.ts";
import { EventsCheck, type Heard } from "./checks/events-check.ts";
import { OrderCheck } from "./checks/order-check.ts";
import { ReadsCheck } from "./checks/reads-check.ts";
import { ReportCheck } from "./checks/report-check.ts";
import { ScheduleCheck } from "./checks/schedule-check.ts";
import { RestCheck } from "./checks/rest-check.ts";
import { SlotCheck } from "./checks/slot-check.ts";
import { StallCheck } from "./checks/stall-check.ts";
import { StepCheck } from "./checks/step-check.ts";
import { TimesCheck } from "./checks/times-check.ts";
import { TriggerCheck } from "./checks/trigger-check.ts";
import type { CheckedWorld } from "./checks/checked-world.ts";
import type { ClientWorld } from "./clients.ts";
import type { AttemptNote } from "./ledger.ts";
import type { TaskApi } from "./methods.ts";
import { isOver, type Seen, type Watching } from "./watcher.ts";

/** A cancelled attempt that is under way is told by then. */
const TOLD_WITHIN_MS = 15_000;

/** Objects are updated one after the other, and a grant is an attempt within seconds. */
const ROLLED_OUT_MS = 80_000;
/** What goes wrong has consequences for so long. */
const CONSEQUENCES_MS = 900_000;

export class Checkers implements Watching {
  readonly steps: StepCheck;
  readonly #world: CheckedWorld;
  readonly #order: OrderCheck;
  readonly #blame: BlameCheck;
  readonly #reads: ReadsCheck;
  readonly #slots: SlotCheck;
  readonly #triggers: TriggerCheck;
  readonly #rest: RestCheck;
  readonly #times: TimesCheck;
  readonly #events: EventsCheck;
  readonly #stalls: StallCheck;
  readonly #schedules: ScheduleCheck;
  readonly #cancels: CancelCheck;
  readonly #limits: LimitCheck;
  readonly #messages: MessageCheck;
  readonly #reports: ReportCheck;
  readonly #losses: LossCheck;
  readonly #journals: JournalCheck;
  #isSecondDeployed = false;
  /** When something was deployed last. */
  #deployedAt = Number.NEGATIVE_INFINITY;
  /** When a task has taken its isolate down last. */
  #killedAt = Number.NEGATIVE_INFINITY;

  constructor(world: CheckedWorld) {
    const { ground, ledger, scenario } = world;
    this.#world = world;
    const planOf = (task: string): TaskPlan | undefined => scenario.plan.tasks[task];
    const plansOf = (task: string): TaskPlan[] => {
      const all = this.#isSecondDeployed ? [...scenario.plans.values()] : [scenario.plan];
      const counting = this.#settledAt() === null ? all : all.slice(-1);
      const known = counting.flatMap(({ tasks }) => tasks[task] ?? []);
      // What a release lacks keeps the limits that it had.
      return known.length > 0 ? known : all.flatMap(({ tasks }) => tasks[task] ?? []);
    };
    this.#cancels = new CancelCheck(ground, (task) => scenario.cutOff?.task === task);
    this.#messages = new MessageCheck(ground, world.watcher);
    this.#journals = new JournalCheck(ground, scenario.kind === "heavy");
    this.#reports = new ReportCheck(ground, world.watcher);
    this.#losses = new LossCheck({
      ground,
      ledger,
      timeoutOf: (task) => planOf(task)?.timeoutMs ?? 0,
      isUpset: () => scenario.rollouts.length > 0 || scenario.cutOff !== null || this.#killedAt > 0,
    });
    this.#limits = new LimitCheck({
      ground,
      ledger,
      scenario,
      watcher: world.watcher,
      plansOf,
      settledAt: () => this.#settledAt(),
      isTimeUncertain: () => this.#isTimeUncertain(),
      killedAt: () => this.#killedAt,
    });
    this.steps = new StepCheck(ground, ledger);
    this.#reads = new ReadsCheck(
      ground,
      (task, version) => scenario.plans.get(version)?.tasks[task],
      (task) => scenario.behaviours.get(task)?.passesTo ?? null,
    );
    this.#slots = new SlotCheck(ground, ledger, plansOf);
    this.#triggers = new TriggerCheck(ground, ledger, planOf);
    this.#triggers.tells = scenario.plan.onFailure !== null;
    this.#rest = new RestCheck(world);
    this.#events = new EventsCheck(ground);
    this.#times = new TimesCheck(ground);
    this.#schedules = new ScheduleCheck(ground, scenario.timed);
    this.#stalls = new StallCheck(
      ground,
      planOf,
      (runId) => {
        const id = parseRunId(runId);
        return id === null ? null : (world.watcher().runs.get(id)?.finalAt ?? null);
      },
      (runId, task, attempt) => scenario.rollouts.length > 0 || ledger.find(runId, task, null, attempt) !== undefined,
    );
    this.#order = new OrderCheck(ground, ledger, (task) => ({
      runIf: planOf(task)?.runIf ?? "all_success",
      maySkipByLimit: planOf(task)?.limits?.concurrency?.strategy === "skip",
    }));
    this.#blame = new BlameCheck({
      ground,
      ledger,
      planOf,
      behaviourOf: (task) => scenario.behaviours.get(task),
      isTimeUncertain: () => this.#isTimeUncertain(),
      dieInvocations: () =>
        ground.faults.struck > 0 || [...scenario.behaviours.values()].some(({ kills }) => kills > 0),
      ageOf: ({ firstSeenAt }) => ground.scheduler.now - firstSeenAt,
      mayBeCancelled: (seen, task) => this.#mayBeCancelled(seen, task),
    });
  }

  /** What clients tell of themselves. */
  clients(): Omit<ClientWorld, "ground" | "rig" | "scenario" | "failed"> {
    return {
      answered: (answer) => this.#triggers.answered(answer),
      cancels: (runId, children) => this.#cancels.cancels(runId, children),
      cancelEnded: (runId, hasChanged) => this.#cancels.ended(runId, hasChanged),
      retries: () => {},
      replayed: () => {},
      reports: (of, by) => this.#reports.sends(of, by),
      completed: (of, by, answer) => this.#reports.answered(of, by, answer),
      steered: (task, what, come) => this.#schedules.steered(task, what, come),
    };
  }

  recorded(seen: Seen): void {
    if (seen.generation > 1) this.#world.ledger.forget(seen.runId);
    this.#schedules.recorded(seen);
    this.#schedules.overlaps(seen, this.#world.watcher().runs.values());
    this.#look(seen, null);
  }

  /** A call has come to the object of the schedules: an isolate says what its release has, or somebody resumes those of a task. */
  schedulesCalled(method: string, [given]: readonly unknown[]): void {
    if (method === "resume") this.#schedules.resumes(given);
    if (method !== "sync") return;
    if (typeof given !== "object" || given === null || !("version" in given)) return;
    if (given.version === "first" || given.version === "second") this.#schedules.announced(given.version);
  }

  /** The executor object of this name is to start an attempt: of a suspect, if a trial comes with it. */
  started(name: string, [, , trial]: readonly unknown[]): void {
    if (typeof trial === "object" && trial !== null) this.#rest.suspected(name);
  }

  changed(seen: Seen, before: RunDocument): void {
    if (seen.isRetried) this.#cancels.retried(seen.runId);
    if (isOver(seen.run.status) && !isOver(before.status)) this.#world.ended(seen.runId);
    this.#look(seen, before);
  }

  heard(run: RunDocument, heard: Heard): void {
    this.#events.heard(run, heard);
  }

  /** A release is rolled out. */
  deployed(release: string): void {
    if (release === "release 2") this.#isSecondDeployed = true;
    this.#deployedAt = this.#world.ground.scheduler.now;
  }

  /** A message of a run is sent. */
  sent(body: unknown, isLost: boolean): void {
    if (this.#world.scenario.stopped !== null) this.#messages.taken(body, isLost);
  }

  /** A task has taken its isolate down. */
  killed(): void {
    this.#killedAt = this.#world.ground.scheduler.now;
    this.#stalls.killed();
    this.#schedules.killed();
  }

  forgotten(seen: Seen): void {
    this.#rest.forgotten(seen);
  }

  /** The code of an attempt begins. */
  reads({ runId, name, item }: TaskApi, payload: unknown, note: AttemptNote): void {
    const id = parseRunId(runId);
    const seen = id === null ? undefined : this.#world.watcher().runs.get(id);
    if (seen !== undefined) this.#reads.reads(seen, name, item?.index ?? null, payload);
    this.#slots.begins(note, this.#isTimeUncertain());
  }

  /** Everything that has ended stands in the catalog. */
  beforeRetention(): void {
    this.#rest.listed();
  }

  /** Nothing happens any more. */
  atRest(): void {
    this.#rest.atRest();
    this.#times.atRest();
    this.#triggers.atRest(this.#world.watcher());
    this.#schedules.atRest();
    this.#cancels.atRest(this.#world.watcher());
  }

  #look(seen: Seen, before: RunDocument | null): void {
    this.#order.look(seen, before);
    this.#limits.look(seen, before);
    this.#losses.look(seen, before);
    this.#times.look(seen);
    this.#journals.look(seen, before);
    const { paused } = this.#world.scenario;
    this.#stalls.look(seen, before, (name) => paused.some(({ task }) => task === name));
    for (const [index, task] of seen.run.tasks.entries()) {
      const was = before?.tasks[index]?.status ?? "pending";
      if (!isOver(task.status) || isOver(was)) continue;
      this.#blame.ended(seen, task.task, null, task);
      if (task.status === "cancelled" && was === "running") this.#told(seen, task.task);
      for (const item of seen.items.get(task.task) ?? []) this.#blame.ended(seen, task.task, item.index, item);
    }
  }

  /** An attempt that is under way learns soon that its task was cancelled. */
  #told({ runId }: Seen, task: string): void {
    const { ground, ledger } = this.#world;
    const note = ledger.of(runId, task, null).at(-1);
    const isLong = (this.#world.scenario.behaviours.get(task)?.workMs ?? 0) > TOLD_WITHIN_MS;
    if (note === undefined || !isLong) return;
    const since = ground.scheduler.now;
    ground.scheduler.after(TOLD_WITHIN_MS, () => {
      const hasCause = ground.struck.some(({ at }) => at > since - TOLD_WITHIN_MS);
      if (note.end === "running" && note.life.alive && !note.isTold && !hasCause)
        ground.violate("attempts are told", `${runId}: attempt ${note.attempt} of ${task} goes on, and is not told`);
    });
  }

  /**
   * Since when the limits of the second release count alone: every object has its code, and what the first one had granted has begun.
   * Null: those of both may, or something has gone wrong that holds a grant up.
   */
  #settledAt(): number | null {
    const { ground, scenario } = this.#world;
    const from = this.#deployedAt - CONSEQUENCES_MS;
    const settledAt = this.#deployedAt + ROLLED_OUT_MS;
    const isLast = scenario.rollouts.every(({ atMs }) => atMs <= this.#deployedAt);
    if (!this.#isSecondDeployed || !isLast || ground.scheduler.now <= settledAt) return null;
    if (this.#killedAt > from || ground.struck.some(({ at }) => at > from)) return null;
    return settledAt;
  }

  #isTimeUncertain(): boolean {
    const { kinds } = this.#world.ground.faults;
    return ["clock_step", "clock_skew", "call_hangs", "r2_hangs"].some((kind) =>
      [...kinds].some((struck) => struck === kind),
    );
  }

  /** Somebody has cancelled it, or a run above it with its children; or a later attempt of the same key takes its place. */
  #mayBeCancelled(seen: Seen, task: string): boolean {
    const { scenario } = this.#world;
    const planOf = (name: string): TaskPlan | undefined => scenario.plan.tasks[name];
    const isCancelledByNext = ({ task: name, plan }: (typeof scenario.timed)[number]): boolean =>
      name === seen.run.task && plan.overlap === "cancel_running";
    if (seen.run.trigger.source === "schedule" && scenario.timed.some(isCancelledByNext)) return true;
    if (planOf(task)?.limits?.concurrency?.strategy === "cancel_running") return true;
    if (seen.run.tasks.some((one) => one.reason === "concurrency" && one.status === "cancelled")) return true;
    return this.#cancels.mayBeCancelled(seen, this.#world.watcher());
  }
}
