/** The schedules object with time driven by hand: alarms run when the test says so, and the clock stands where it is put. */
import { DrivenObject } from "../../support/driven-object.ts";
import { env } from "../../support/env.ts";
import { vi } from "vitest";
import { dueTimes } from "../../../src/domain/schedules/cron.ts";
import type { SchedulePlan } from "../../../src/domain/plan/plan.ts";
import type { ScheduleDefinition } from "../../../src/domain/schedules/due-times.ts";
import { callRun } from "../../../src/objects/run/run-client.ts";
import { RunObject } from "../../../src/objects/run/run-object.ts";
import type { AcceptRequest } from "../../../src/objects/run/accept-rpc.ts";
import type { RunDocument } from "../../../src/objects/run/run-documents-rpc.ts";
import type { SchedulesObject } from "../../../src/objects/schedules/schedules-object.ts";
import { SchedulesController, type SchedulesHost } from "../../../src/objects/schedules/schedules-controller.ts";
import type { ScheduleStatus } from "../../../src/objects/schedules/schedules-rpc.ts";
import { ScheduleStore } from "../../../src/objects/schedules/store.ts";

let made = 0;

/** A schedule of a task of test/support/pool, due at every hour. */
export function schedule(overrides: Partial<ScheduleDefinition> = {}): ScheduleDefinition {
  const plan: SchedulePlan = {
    id: "a",
    cron: "0 * * * *",
    timezone: "UTC",
    overlap: "allow",
    catchUp: { policy: "none", windowMs: null },
    payload: null,
  };
  return { task: "scripted", ...plan, ...overrides };
}

/** The controller over this storage, without an object around it: no alarm is set, no time passes, and no run goes on, but where said. */
export function controllerOver(
  storage: DurableObjectStorage,
  around: Pick<SchedulesHost, "start"> & Partial<SchedulesHost>,
): SchedulesController {
  return new SchedulesController(new ScheduleStore(storage), {
    now: () => Date.now(),
    getAlarm: async () => null,
    setAlarm: async () => undefined,
    deployment: { version: "1", madeAt: 1 },
    timesOf: ({ cron, timezone }) => dueTimes(cron, timezone),
    isRunning: async () => false,
    cancel: async () => undefined,
    log: () => undefined,
    ...around,
  });
}

/** Due times whose run was recorded since `watchAccepted`, each run once, in the order of the calls. */
export class Accepted {
  readonly #spy = vi.spyOn(RunObject.prototype, "accept");

  /** Runs by the time they were due, `hh:mm`, or `hh:mm:ss`. */
  runs(): string[] {
    const ids = this.#requests.map(({ runId }) => runId);
    return this.#requests.filter(({ runId }, index) => ids.indexOf(runId) === index).map(dueTimeOf);
  }

  /** Calls, repeated ones included. */
  get calls(): number {
    return this.#requests.length;
  }

  get #requests(): AcceptRequest[] {
    return this.#spy.mock.calls.map(([request]) => request);
  }
}

function dueTimeOf({ payload }: AcceptRequest): string {
  const { due_at: dueAt }: { due_at: string } =
    payload.at === "inline" ? JSON.parse(new TextDecoder().decode(payload.bytes)) : { due_at: "" };
  return dueAt.slice(11, 19).replace(/:00$/, "");
}

export class ScheduleClock extends DrivenObject<SchedulesObject> {
  constructor() {
    const name = `schedules-${(made += 1)}`;
    super(() => env.SCHEDULES.getByName(name));
  }

  /** Puts the clock there without looking at the alarm. */
  set(at: number): void {
    vi.setSystemTime(at);
  }

  /** An isolate of this version says what is deployed; a greater one is newer. */
  sync(version: `${number}`, ...schedules: readonly ScheduleDefinition[]): Promise<void> {
    return this.stub().sync({ v: 1, version, madeAt: Number(version), schedules });
  }

  /** Runs the handler although no alarm is set: one that came twice, or one that was set to this time. */
  wakeAgain(scheduledTime = Date.now()): Promise<void> {
    const info = { isRetry: false, retryCount: 0, scheduledTime };
    return this.inside((_, object) => object.alarm(info));
  }

  list(): Promise<readonly ScheduleStatus[]> {
    return this.stub().list();
  }

  /** The one schedule. */
  async only(): Promise<ScheduleStatus> {
    const [status, ...others] = await this.list();
    if (status === undefined || others.length > 0) throw new Error(`${others.length + 1} schedules, one expected`);
    return status;
  }

  /** The run that was started last. */
  async lastRun(): Promise<RunDocument> {
    const { lastRun } = (await this.only()).state;
    const document = lastRun === null ? null : await callRun(env, lastRun.runId, (run) => run.describe());
    if (document === null) throw new Error("no run was started");
    return document;
  }

  /** Lets the run that was started last end. */
  async endLastRun(): Promise<void> {
    const { run_id: runId } = await this.lastRun();
    await callRun(env, runId, (run) => run.cancel());
  }
}

/** A clock with one schedule. */
export async function clockOf(overrides: Parameters<typeof schedule>[0] = {}): Promise<ScheduleClock> {
  const clock = new ScheduleClock();
  await clock.sync("1", schedule(overrides));
  return clock;
}
