/**
 * Checks invariant 9 from the other side: a task waits only for the limit of its own payload's key, and not while a
 * slot is free. No more attempts begin within the time of a rate limit than the limit allows. Limits and keys are
 * computed here, apart from the engine.
 */
import type { TaskPlan } from "../../../src/domain/plan/plan.ts";
import type { RunDocument, TaskDocument } from "../../../src/objects/run/run-documents-rpc.ts";
import type { Ground } from "../../../src/testing/ground/ground.ts";
import type { Ledger } from "../ledger.ts";
import { groupOf, type Carried } from "../payloads.ts";
import type { Scenario } from "../scenario.ts";
import { taskOf } from "./order-check.ts";
import { isOver, type Seen, type Watcher } from "../watcher.ts";

const INVARIANT = "9 slots are conserved";
/** How often one looks whether there is room, and until when. */
const LOOK_MS = 20_000;
const LOOKS_UNTIL_MS = 25 * 60_000;
/** What goes wrong has consequences for so long. */
const CONSEQUENCES_MS = 900_000;
/** Objects are updated one after the other. */
const ROLLED_OUT_MS = 75_000;
/** Clocks differ, and what begins is seen a little later. */
const SEEN_MS = 500;

export interface LimitWorld {
  readonly ground: Ground;
  readonly ledger: Ledger;
  readonly scenario: Scenario;
  readonly watcher: () => Watcher;
  /** What peach.conf says of a task, in each release whose limits may count now. */
  plansOf(task: string): readonly TaskPlan[];
  /** Since when those of the second release count alone; null: they do not. By the scheduler. */
  settledAt(): number | null;
  /** Whether the clock was set, or calls were never answered. */
  isTimeUncertain(): boolean;
  /** When a task has taken its isolate down last. */
  killedAt(): number;
}

export class LimitCheck {
  readonly #world: LimitWorld;
  /** When attempts of tasks with a rate were seen to begin, by task and key. */
  readonly #begun = new Map<string, number[]>();
  /** Tasks and keys for which there was room when one looked last. */
  #roomy = new Set<string>();

  constructor(world: LimitWorld) {
    this.#world = world;
    const isLimited = Object.values(world.scenario.plan.tasks).some(
      ({ limits, each }) => limits !== null && each === null,
    );
    if (isLimited) this.#lookLater();
  }

  /** The run has changed. */
  look(seen: Seen, before: RunDocument | null): void {
    for (const [index, task] of seen.run.tasks.entries()) {
      const was = before?.tasks[index];
      const waits = task.waiting_for;
      if (waits?.for === "concurrency" || waits?.for === "rate_limit") this.#waits(seen, task, waits);
      // What a release lacks is given back: that attempt never began.
      const isNew = task.attempts.length > (was?.attempts.length ?? 0);
      if (isNew && task.attempts.at(-1)?.status === "running") this.#begins(seen, task);
    }
  }

  /** A run's limits have the keys that its own release says. */
  #waits(seen: Seen, task: TaskDocument, waits: { readonly for: string; readonly key?: string | null }): void {
    const owner = this.#keyOf(seen, task.task, waits.for === "concurrency" ? "concurrency" : "rateLimit");
    if (owner !== undefined && task.each === undefined && owner !== (waits.key ?? null))
      this.#world.ground.violate(
        INVARIANT,
        `${seen.runId}: ${task.task} waits for the limit of ${JSON.stringify(waits.key ?? null)}, its payload is of ${owner ?? "nobody"}`,
      );
  }

  /** What the release that the run was accepted with says of the task. */
  #planOf({ run }: Seen, task: string): TaskPlan | undefined {
    return this.#world.scenario.plans.get(run.conf_version)?.tasks[task];
  }

  /** Which key this limit of the task has in this run; undefined: that cannot be told here. */
  #keyOf(seen: Seen, task: string, kind: "concurrency" | "rateLimit"): Carried["group"] | undefined {
    const path = this.#planOf(seen, task)?.limits?.[kind]?.key ?? null;
    return path === null ? null : this.#ownerOf(seen, task);
  }

  /** Whose payload the task reads; null: nobody's; undefined: that cannot be told here. */
  #ownerOf(seen: Seen, task: string): Carried["group"] | undefined {
    const { run, carried, retries } = seen;
    if (run.trigger.source === "replay" || retries > 0) return undefined;
    const { upstream = [] } = taskOf(run, task) ?? {};
    const [parent, ...others] = upstream;
    if (parent === undefined) return carried === null ? undefined : carried.group;
    // What has several declared parents reads an object by their names, also where only one of them is in the run.
    if (this.#planOf(seen, task)?.upstream.length !== 1) return null;
    const behaviour = this.#world.scenario.behaviours.get(parent);
    const plan = this.#planOf(seen, parent);
    const isPlain = others.length === 0 && plan?.each === null && taskOf(run, parent)?.status === "succeeded";
    if (!isPlain || behaviour === undefined || behaviour.passesItems !== null) return undefined;
    const isForIt = behaviour.passesTo === task && !plan.external;
    return groupOf(`${run.run_id}/${parent}${isForIt ? "/to" : ""}`);
  }

  /** An attempt of the task was seen to begin. */
  #begins(seen: Seen, { task, each }: TaskDocument): void {
    const rates = this.#world.plansOf(task).map(({ limits }) => limits?.rateLimit ?? null);
    const owner = rates.some((rate) => (rate?.key ?? null) !== null) ? this.#ownerOf(seen, task) : null;
    if (rates.includes(null) || each !== undefined || owner === undefined || this.#world.isTimeUncertain()) return;
    const limit = Math.max(...rates.map((rate) => rate?.limit ?? 0));
    const perMs = Math.min(...rates.map((rate) => rate?.perMs ?? 0));
    const { now } = this.#world.ground.scheduler;
    const key = `${task} ${owner}`;
    // What has begun before, the release before has allowed.
    const from = Math.max(now - perMs + SEEN_MS, this.#world.settledAt() ?? 0);
    const within = [...(this.#begun.get(key) ?? []).filter((at) => at > from), now];
    this.#begun.set(key, within);
    if (within.length > limit)
      this.#world.ground.violate(
        INVARIANT,
        `${within.length} attempts of ${task} (${owner ?? "no key"}) begin within ${now - (within[0] ?? now)} ms, ${limit} may in ${perMs} ms`,
      );
  }

  #lookLater(): void {
    const { scheduler } = this.#world.ground;
    if (scheduler.now > LOOKS_UNTIL_MS) return;
    scheduler.after(LOOK_MS, () => {
      this.#roomy = this.#lookForRoom();
      this.#lookLater();
    });
  }

  /** What waits while there is room, and did so when one looked before, waits in vain. */
  #lookForRoom(): Set<string> {
    const { ground } = this.#world;
    const roomy = new Set<string>();
    const from = ground.scheduler.now - CONSEQUENCES_MS;
    if (this.#world.killedAt() > from || ground.struck.some(({ at }) => at > from)) return roomy;
    const waiting = new Map<string, string>();
    for (const { run } of this.#world.watcher().runs.values())
      for (const { task, waiting_for: waits, each } of run.tasks)
        if (waits?.for === "concurrency" && each === undefined) waiting.set(`${task} ${String(waits.key)}`, task);
    for (const [key, task] of waiting) {
      const plans = this.#world.plansOf(task);
      // What is paused may have its slot.
      if (this.#world.scenario.paused.some((one) => one.task === task)) continue;
      if (plans.some(({ limits }) => limits === null || limits.rateLimit !== null || limits.concurrency === null))
        continue;
      const limits = plans.map(({ limits: of }) => of?.concurrency?.limit ?? 0);
      // The newest plan counts; before its deployment is over, either may.
      const limit = this.#isSettled() ? (limits.at(-1) ?? 0) : Math.min(...limits);
      if (this.#inUse(task, key) >= limit) continue;
      roomy.add(key);
      if (this.#roomy.has(key))
        ground.violate(
          INVARIANT,
          `${task} waits for its limit (${key}) for ${LOOK_MS / 1_000} s, ${this.#inUse(task, key)} of ${limit} are in use`,
        );
    }
    return roomy;
  }

  #isSettled(): boolean {
    const last = Math.max(0, ...this.#world.scenario.rollouts.map(({ atMs }) => atMs));
    return this.#world.ground.scheduler.now > last + ROLLED_OUT_MS;
  }

  /** How many of this task and key have a slot, or may have one still. */
  #inUse(task: string, key: string): number {
    let count = 0;
    for (const seen of this.#world.watcher().runs.values()) {
      const document = taskOf(seen.run, task);
      const owner = this.#keyOf(seen, task, "concurrency");
      if (document === undefined || (owner !== undefined && `${task} ${String(owner)}` !== key)) continue;
      // One that waits to be completed has its slot, and one that was cancelled keeps its slot for as long as it may run.
      const mayRun = ["cancelled", "running", "waiting"].includes(document.status);
      if (mayRun || (document.status === "queued" && document.waiting_for === null)) count += 1;
      else if (
        !isOver(document.status) &&
        this.#world.ledger.of(seen.runId, task, null).some(({ end }) => end === "running")
      )
        count += 1;
    }
    return count;
  }
}
