/**
 * Clients of the deployment: they trigger, emit, upload, complete, cancel, retry, replay and pause, and repeat calls
 * without an answer.
 */
import type { RunId } from "../../src/domain/ids.ts";
import type { Result } from "../../src/domain/problem.ts";
import type { Behaviour } from "./behaviour.ts";
import type { Ground } from "../../src/testing/ground/ground.ts";
import type { TaskApi } from "./methods.ts";
import { AS_REPORTED, groupOf, madeBy, padded, type Carried } from "./payloads.ts";
import type { Rig } from "../../src/testing/platform/rig.ts";
import { RETENTION_MS, type Scenario, type Trigger } from "./scenario.ts";
import type { Client } from "../../src/testing/platform/worker-face.ts";

/** A trigger that was answered with a run. */
export interface Answered {
  readonly runId: RunId;
  readonly task: string;
  readonly carried: Carried;
  readonly deduplicated: boolean;
  /** When it was sent first, by the scheduler. */
  readonly sentAt: number;
}

export interface ClientWorld {
  readonly ground: Ground;
  readonly rig: Rig;
  readonly scenario: Scenario;
  /** A request has failed. */
  failed(name: string, error: unknown): void;
  answered(answer: Answered): void;
  /** Somebody asks for it, and might have it. */
  cancels(runId: RunId, children: boolean): void;
  /** Nothing more comes of what was asked for; it has changed something, or nobody knows. */
  cancelEnded(runId: RunId, hasChanged: boolean): void;
  retries(runId: RunId): void;
  replayed(runId: RunId, from: string | null, to: RunId): void;
  /** Somebody reports on an attempt. */
  reports(of: AttemptName, by: string): void;
  /** What somebody has reported of an attempt, and what came of it. */
  completed(of: AttemptName, by: string, answer: string): void;
  /** Somebody asks for it, or has been answered, perhaps that the task has no schedules. */
  steered(task: string, what: "pause" | "resume", come: "asked" | "done" | "none"): void;
}

/** When everything is resumed that is still paused. */
const RESUMED_AT_MS = 20 * 60_000;

export class Clients {
  readonly #world: ClientWorld;
  /** Runs of triggers, by their place in the scenario. */
  readonly #runs = new Map<Trigger, RunId>();
  readonly #firstSent = new Map<string, number>();
  #sent = 0;

  constructor(world: ClientWorld) {
    this.#world = world;
  }

  /** Plans everything that the scenario says. */
  begin(): void {
    const { scenario, ground } = this.#world;
    const at = (ms: number, happen: () => void): void => void ground.scheduler.after(ms, happen);
    for (const trigger of scenario.triggers) {
      for (let copy = 0; copy < trigger.copies; copy += 1)
        at(trigger.atMs + ground.dice.between(0, copy * 500), () => this.#trigger(trigger));
      this.#operate(trigger, at);
    }
    for (const event of scenario.events) at(event.atMs, () => this.#emit(event));
    for (const { atMs, key, told } of scenario.uploads) at(atMs, () => this.#upload(key, told));
    for (const { task, atMs, forMs } of scenario.paused) {
      at(atMs, () => this.#steer(task, "pause"));
      at(atMs + forMs, () => this.#steer(task, "resume"));
      // A pause that came late would stay.
      at(RESUMED_AT_MS, () => this.#steer(task, "resume"));
    }
    for (const { task, atMs, resumedAtMs } of scenario.schedulePauses) {
      at(atMs, () => this.#steerSchedules(task, "pause"));
      if (resumedAtMs !== null) at(resumedAtMs, () => this.#steerSchedules(task, "resume"));
    }
  }

  /** A run has ended: its trigger may come again just when it is forgotten. */
  ended(runId: RunId): void {
    const { ground } = this.#world;
    const [trigger] = [...this.#runs].find(([, known]) => known === runId) ?? [];
    if (trigger === undefined || trigger.key === null || !trigger.large) return;
    if (!ground.strikes("late_trigger", () => runId, 10)) return;
    ground.scheduler.after(RETENTION_MS + ground.dice.between(-80, 80), () => this.#trigger(trigger));
  }

  /** Those who were asked by an external task report, perhaps from several places, each until it is answered. */
  handedOver(task: TaskApi, { reports, passesLarge }: Behaviour): void {
    if (reports === null) return;
    const { ground } = this.#world;
    const token = task.completionUrl.split("/").at(-1) ?? "";
    const of: AttemptName = { runId: task.runId, name: task.name, attempt: task.attempt };
    for (let copy = 0; copy < reports.copies; copy += 1) {
      const by = `report ${++this.#sent}`;
      const fails = task.attempt <= reports.fails;
      ground.scheduler.after(reports.afterMs + ground.dice.between(0, 20) * copy, () =>
        this.#report(of, token, by, fails, passesLarge, 5),
      );
    }
  }

  #operate(trigger: Trigger, at: (ms: number, happen: () => void) => void): void {
    const withRun = (happen: (runId: RunId) => void) => (): void => {
      const runId = this.#runs.get(trigger);
      if (runId !== undefined) happen(runId);
    };
    const { atMs, cancelAfterMs, cancelChildren, retryAfterMs, replay } = trigger;
    if (cancelAfterMs !== null)
      at(
        atMs + cancelAfterMs,
        withRun((runId) => this.#cancel(runId, cancelChildren)),
      );
    for (const afterMs of retryAfterMs)
      at(
        atMs + afterMs,
        withRun((runId) => this.#retry(runId)),
      );
    if (replay !== null)
      at(
        atMs + replay.afterMs,
        withRun((runId) => this.#replay(runId, replay.from)),
      );
  }

  /** A client: one with a key sends its trigger again until it has an answer. */
  #trigger(trigger: Trigger): void {
    const { task, key, large, delayMs, group, misusesKey = false } = trigger;
    const by = key === null ? `trigger ${++this.#sent}` : `trigger ${task} ${key}`;
    const carried = padded({ by, group: key === null || misusesKey ? group : groupOf(by) }, large);
    const sentAt = this.#firstSentAt(carried);
    this.#ask(
      `trigger of ${task}`,
      key !== null,
      async ({ worker, dependencies, env, ctx }) =>
        dependencies.acceptTrigger(env, ctx, {
          task,
          payload: valueOf(worker.encodePayload(carried)),
          idempotencyKey: key === null ? null : worker.apiKey("client", key),
          origin: { source: "api", by: "client", parent: null },
          delayMs,
        }),
      ({ runId, deduplicated }) => {
        this.#runs.set(trigger, runId);
        this.#world.answered({ runId, task, carried, deduplicated, sentAt });
      },
      () => this.#trigger(trigger),
    );
  }

  /** When this was sent first: sent again, it may have been taken long before it is answered. */
  #firstSentAt({ by }: Carried): number {
    const first = this.#firstSent.get(by) ?? this.#world.ground.scheduler.now;
    this.#firstSent.set(by, first);
    return first;
  }

  #emit(event: Scenario["events"][number]): void {
    const { name, key, group } = event;
    const carried: Carried = { by: `${name} ${key}`, group };
    const sentAt = this.#firstSentAt(carried);
    this.#ask(
      `event ${key}`,
      true,
      ({ worker, dependencies, env, ctx }) =>
        dependencies.emitEvent(env, ctx, {
          name,
          payload: valueOf(worker.encodePayload(carried)),
          idempotencyKey: worker.apiEventKey("client", name, key),
          parent: null,
        }),
      (runs) => {
        for (const { runId, task, deduplicated } of runs)
          this.#world.answered({ runId, task, carried, deduplicated, sentAt });
      },
      () => this.#emit(event),
    );
  }

  #upload(key: string, told: number): void {
    this.#world.ground.tell(() => `somebody uploads ${key}`);
    this.#world.rig.upload(key, new TextEncoder().encode(key), told);
  }

  #cancel(runId: RunId, children: boolean): void {
    this.#world.cancels(runId, children);
    this.#ask(
      `cancel of ${runId}${children ? " and its children" : ""}`,
      false,
      async ({ worker, env }) => {
        let hasChanged = false;
        try {
          const value = await worker.callRun(env, runId, (run) => run.cancel({ children }));
          hasChanged = value?.cancelled === true;
          return { ok: true as const, value };
        } finally {
          this.#world.cancelEnded(runId, hasChanged);
        }
      },
      (answer) => this.#world.ground.tell(() => `${runId}: cancelled: ${answer?.cancelled}`),
    );
  }

  #retry(runId: RunId): void {
    this.#world.retries(runId);
    this.#ask(
      `retry of ${runId}`,
      false,
      async ({ worker, env }) => ({ ok: true as const, value: await worker.callRun(env, runId, (run) => run.retry()) }),
      (answer) => this.#world.ground.tell(() => `${runId}: retry: ${answer?.outcome}`),
    );
  }

  #replay(runId: RunId, from: number): void {
    let task: string | null = null;
    this.#ask(
      `replay of ${runId}`,
      false,
      async ({ worker, dependencies, env, ctx }) => {
        const run = await worker.callRun(env, runId, (object) => object.describe());
        const names = run?.tasks.map((each) => each.task) ?? [];
        task = from < 0.3 ? null : (names[Math.floor(from * names.length)] ?? null);
        const replay = worker.createReplayRun({ ...dependencies, callRun: worker.callRun });
        const url = "https://peach.example";
        const actor = { kind: "token", name: "operator" } as const;
        return replay(env, ctx, { runId, from: task, payload: null, idempotencyKey: "again", actor, url });
      },
      (answer) => {
        if (answer !== null) this.#world.replayed(runId, task, answer.runId);
      },
    );
  }

  #steer(task: string, what: "pause" | "resume"): void {
    this.#ask(
      `${what} ${task}`,
      true,
      async ({ worker, env }) => ({
        ok: true as const,
        value: await worker.callPauses(env, (pauses) =>
          what === "pause" ? pauses.pause(task, "operator") : pauses.resume(task),
        ),
      }),
      () => {},
      () => this.#steer(task, what),
    );
  }

  #steerSchedules(task: string, what: "pause" | "resume"): void {
    this.#world.steered(task, what, "asked");
    this.#ask(
      `${what} the schedules of ${task}`,
      true,
      async ({ worker, env }) => ({
        ok: true as const,
        value: await worker.callSchedules(env, (schedules) =>
          what === "pause" ? schedules.pause(task, "operator") : schedules.resume(task),
        ),
      }),
      (schedules) => this.#world.steered(task, what, schedules.length === 0 ? "none" : "done"),
      () => this.#steerSchedules(task, what),
    );
  }

  #report(of: AttemptName, token: string, by: string, fails: boolean, large: boolean, triesLeft: number): void {
    const value = padded(
      { by: madeBy(of.runId, of.name, of.attempt, ""), group: groupOf(`${of.runId}/${of.name}`) },
      large,
    );
    const body = fails
      ? { status: "failed", error: { message: AS_REPORTED } }
      : { status: "succeeded", payload: value };
    const bytes = new TextEncoder().encode(JSON.stringify(body));
    this.#world.reports(of, by);
    this.#ask(
      `${by} on ${of.name} of ${of.runId}`,
      triesLeft > 0,
      async ({ worker, dependencies, env }) => {
        const presented = worker.parseCompletionToken(token);
        if (presented === null) throw new Error(`${token} is no completion token`);
        return worker.completeByToken({ ...dependencies, callRun: worker.callRun }, env, presented, {
          contentType: "application/json",
          contentLength: bytes.length,
          body: bytes,
        });
      },
      () => this.#world.completed(of, by, "completed"),
      () => this.#report(of, token, by, fails, large, triesLeft - 1),
      (code) => this.#world.completed(of, by, code),
    );
  }

  /** Makes a request; if it fails, or is refused for now, and `insists`, makes it again after a while. */
  #ask<T>(
    name: string,
    insists: boolean,
    work: (client: Client) => Promise<Result<T>>,
    then: (answer: T) => void,
    again: () => void = () => {},
    refused: (code: string) => void = () => {},
  ): void {
    const { ground, rig } = this.#world;
    const later = (): void => {
      if (insists) ground.scheduler.after(ground.dice.between(1_000, 10_000), again);
    };
    rig.request(name, work).then(
      (answer) => {
        if (answer.ok) return then(answer.value);
        ground.tell(() => `${name} was refused: ${answer.problem.code}: ${answer.problem.detail}`);
        if (answer.problem.code === "overloaded") return later();
        return refused(answer.problem.code);
      },
      (error: unknown) => {
        ground.tell(() => `${name} failed: ${String(error)}`);
        this.#world.failed(name, error);
        later();
      },
    );
  }
}

function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.problem.detail);
  return result.value;
}

/** Which attempt somebody was asked by. */
export type AttemptName = Pick<TaskApi, "runId" | "name" | "attempt">;
