/**
 * The world of one test: the engine on the simulated platform, with the project's plan, functions
 * and bindings. Lets time pass, and tells waits inside of the world from waits outside of it.
 *
 * All worlds of a process share the engine's code, so one of them at a time is at work.
 *
 * The class has about 310 lines, a quarter of which builds the world. All methods drive one clock.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { RunId } from "../domain/ids.ts";
import type { NewPayload } from "../domain/payload.ts";
import type { Plan } from "../domain/plan/plan.ts";
import type { RunDocument, TaskLogs } from "../objects/run/run-documents-rpc.ts";
import type { RunRpc } from "../objects/run/run-rpc.ts";
import { AuthorCalls, outsideOfCalls, presentCall } from "./author-code.ts";
import { installAuthorGlobals } from "./author-globals.ts";
import { KvNamespace } from "./bindings/kv.ts";
import { OutgoingQueue } from "./bindings/outgoing-queue.ts";
import { remoteBinding } from "./bindings/remote-binding.ts";
import { absentBinding, unboundBuckets } from "./bindings/wrangler-bindings.ts";
import { isForNow, isOfPlatform } from "./client-retries.ts";
import { FAULTS } from "./ground/faults.ts";
import { Ground } from "./ground/ground.ts";
import { clientOf, handlersOf, type KitClient } from "./kit-face.ts";
import type { Life } from "./platform/life.ts";
import type { ObjectHost } from "./platform/object-host.ts";
import { releaseOf, Rig } from "./platform/rig.ts";
import type { WorkerCode } from "./platform/worker-code.ts";
import type { TestProject } from "./project.ts";
import { registryOf, type Mocks } from "./registry.ts";
import { NeverAtRestError, WaitingOutsideError } from "./world-errors.ts";
import { NoTime, spareWorkers, type WorldFaults } from "./world-faults.ts";

/** The address of the deployment. */
export const TEST_URL = "https://peach.test";
/** The API token of the deployment, with all rights. */
export const TEST_TOKEN = "peach-testing-token-with-all-rights";

/** Events at one point in time, or in one advance: far beyond what any pipeline needs. */
const EVENT_LIMIT = 3_000_000;
/** Turns of the process that a settling attempt may take for streams read by real threads. */
const SETTLING_TURNS = 25;
/** Events after which other work of the process gets its turn. */
const EVENTS_PER_TURN = 2_000;

/** The alarm of an executor object is set this much ahead, for one. Milliseconds. */
const MOMENT_MS = 5;
/** The greatest number of tries of a client. */
const MOST_TRIES = 20;
/** The pause before the next try, in milliseconds. */
const RETRY_MS = 1_000;

/** The real time in milliseconds, also under fake timers of the test. */
const realNow = performance.now.bind(performance);

/** The settings of a world. */
export interface WorldSettings {
  readonly code: WorkerCode;
  readonly project: TestProject;
  readonly seed: number;
  /** The clock on the wall at the start, epoch milliseconds. */
  readonly startsAt: number;
  readonly mocks: Mocks;
  readonly env: Readonly<Record<string, unknown>>;
  /** Patience with code that waits outside of the world, in real milliseconds. */
  readonly patienceMs: number;
  /** The faults that may strike; null: nothing goes wrong, and nothing takes time. */
  readonly faults: WorldFaults | null;
  readonly isTelling: boolean;
}

let working: Promise<unknown> = Promise.resolve();

/** Runs `work` while no other world of this process is at work. */
function alone<T>(work: () => Promise<T>): Promise<T> {
  const result = working.then(work);
  working = result.catch(() => undefined);
  return result;
}

export class TestWorld {
  readonly plan: Plan;
  readonly ground: Ground;
  readonly rig: Rig;
  /** The bindings and variables of pipelines, for the test's own code. */
  readonly env: Readonly<Record<string, unknown>>;
  /** Runs whose state has changed since they were read, by id. */
  readonly changed = new Set<string>();
  readonly #calls: AuthorCalls;
  readonly #patienceMs: number;
  readonly #isInstant: boolean;
  /** The engine's code. */
  readonly code: WorkerCode;
  #sent = 0;
  /** True once no fault may strike any more. */
  #isCalm = false;

  constructor(settings: WorldSettings) {
    const { code, project, seed, faults, env } = settings;
    this.ground = new Ground(
      seed,
      {
        without: new Set(FAULTS.filter((fault) => faults?.rates.has(fault) !== true)),
        faults: faults?.most ?? 0,
        triggers: 0,
        tasks: 0,
      },
      settings.isTelling,
      faults?.rates ?? null,
      settings.startsAt,
    );
    if (faults !== null) spareWorkers(this.ground, faults.mostDeaths);
    this.#patienceMs = settings.patienceMs;
    this.#isInstant = faults === null;
    this.code = code;
    const { plan, registry } = registryOf(project, settings.mocks, (...given) =>
      this.call(...given),
    );
    this.plan = plan;
    const { buckets, kv, queues, vars, others } = project.bindings;
    const own = new Set(Object.keys(env));
    const missing = <T>(names: readonly string[], make: () => T): Record<string, T> =>
      Object.fromEntries(names.filter((name) => !own.has(name)).map((name) => [name, make()]));
    const now = (): number => this.ground.wall();
    const targets = {
      ...missing(kv, () => new KvNamespace(now)),
      ...missing(queues, () => new OutgoingQueue(now)),
    };
    const variables = {
      ...vars,
      ...Object.fromEntries(
        Object.entries(others).map(([name, kind]) => [name, absentBinding(name, kind)]),
      ),
      ...env,
    };
    const release = releaseOf(
      "the project",
      code,
      plan,
      () => ({}),
      {
        PEACH_URL: TEST_URL,
        PEACH_API_TOKEN: TEST_TOKEN,
        PEACH_LOCAL: "0",
        CF_VERSION_METADATA: {
          id: "test",
          tag: "",
          timestamp: new Date(settings.startsAt).toISOString(),
        },
        AUTH_FAILURES: { limit: async () => ({ success: true }) },
        ...variables,
      },
      () => registry,
    );
    this.rig = new Rig({
      ground: this.ground,
      seed,
      first: release,
      ...(this.#isInstant && { dice: new NoTime(seed) }),
      buckets: Object.fromEntries(
        Object.entries({ ...unboundBuckets(plan, buckets), ...buckets }).filter(
          ([name]) => !own.has(name),
        ),
      ),
      bindings: Object.fromEntries(
        Object.entries(targets).map(([name, target]) => [
          name,
          (life: Life) => remoteBinding(life, target),
        ]),
      ),
      committed: (host) => this.#committed(host),
    });
    if (this.#isInstant) this.rig.platform.tickMs = 0;
    this.#calls = new AuthorCalls(this.rig.platform);
    if (!this.#isInstant) this.#calls.ends = () => this.#afterCode();
    this.rig.platform.thrown = (life, method, thrown) =>
      this.ground.tell(() => `${life.name}: ${method} throws ${String(thrown)}`);
    this.env = {
      ...Object.fromEntries(
        Array.from(this.rig.buckets, ([name, bucket]) => [name, bucket.direct()]),
      ),
      ...targets,
      ...variables,
    };
  }

  /** Calls a function of the project as a call of this world. */
  call(...given: Parameters<AuthorCalls["run"]>): unknown {
    installAuthorGlobals();
    return this.#calls.run(...given);
  }

  /** True if the code that runs is that of a task or an endpoint of this world. */
  get isWithin(): boolean {
    return presentCall()?.calls === this.#calls;
  }

  /** Epoch milliseconds. */
  get now(): number {
    return this.ground.wall();
  }

  /**
   * Makes a request to the worker and lets the world go on until it is answered, and until all is
   * done that needs no time. Rejects with what `work` throws, and if the invocation dies.
   */
  async request<T>(name: string, work: (client: KitClient) => Promise<T>): Promise<T> {
    const answer = this.rig.request(name, (client) => work(clientOf(client)));
    if (this.isWithin) {
      presentCall()?.wait(answer);
      return answer;
    }
    let isAnswered = false;
    // Faults must not strike the test's own request.
    this.ground.faults.stop();
    const settled = (): void => {
      isAnswered = true;
      if (!this.#isCalm) this.ground.faults.resume();
    };
    answer.then(settled, settled);
    await this.#drive(Number.POSITIVE_INFINITY, () => isAnswered);
    if (this.#isInstant) await this.#settle();
    return answer;
  }

  /** Lets everything happen that needs no time but the moments that the engine leaves to itself. */
  async #settle(): Promise<void> {
    const { scheduler } = this.ground;
    const latest = scheduler.now + MOMENT_MS;
    await this.#drive(scheduler.now);
    while (scheduler.nextAt <= latest) await this.#drive(scheduler.nextAt);
  }

  /** Ends the faults for good. */
  calm(): void {
    this.#isCalm = true;
    this.ground.faults.stop();
  }

  /** Lets time pass, in milliseconds. */
  async advance(ms: number): Promise<void> {
    if (this.isWithin)
      throw new Error("advance was called within a task: time passes for it as for the others");
    if (ms > 0 || !this.#isInstant) await this.#drive(this.ground.scheduler.now + ms);
    else await this.#settle();
  }

  /** Lets time pass until `isOver`, at most `mostMs`. */
  async until(isOver: () => boolean, mostMs: number): Promise<void> {
    const { scheduler } = this.ground;
    const latest = scheduler.now + mostMs;
    await this.#drive(latest, () => isOver() || scheduler.nextAt > latest);
  }

  /**
   * Makes a request again until it is answered, as clients of a platform that fails do. Without
   * faults the first answer counts.
   */
  async insist<T>(name: string, work: (client: KitClient) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      const isLast = this.#isInstant || tries === MOST_TRIES;
      try {
        const answer = await this.request(name, work);
        if (isLast || !isForNow(answer)) return answer;
      } catch (error) {
        if (isLast || !isOfPlatform(error)) throw error;
      }
      await this.advance(RETRY_MS * tries);
    }
  }

  /** Makes the idempotency key of an insisting client; null in a world without faults. */
  keyForRetries(): string | null {
    return this.#isInstant ? null : `sent ${++this.#sent}`;
  }

  /** Sends a request over HTTP to the worker. */
  fetch(request: Request): Promise<Response> {
    return this.insist(`${request.method} ${request.url}`, ({ env, ctx, life }) => {
      return handlersOf(life.isolate.exports).fetch(request.clone(), env, ctx);
    });
  }

  /** Reads the document of a run; null: the run is gone. */
  async describe(runId: RunId): Promise<RunDocument | null> {
    return this.#look(runId, (run) => run.describe());
  }

  /**
   * Reads a payload of a run: the trigger's (`task` null), that of a task, or what the task passed
   * to the child `to` alone.
   */
  async payloadOf(
    runId: RunId,
    task: string | null,
    to?: string,
  ): Promise<NewPayload | null | undefined> {
    return this.#look(runId, (run) => run.payload(task, undefined, to));
  }

  /** Reads the log lines of a task. */
  async logsOf(runId: RunId, task: string): Promise<TaskLogs["logs"]> {
    const page = await this.#look(runId, (run) => run.logs(task));
    return page?.logs ?? [];
  }

  /** The attempts of a run in the order in which they began. */
  traceOf(runId: RunId): readonly string[] {
    return this.#calls.trace.get(runId) ?? [];
  }

  /** Calls the object of a run without a way over the network; an object that sleeps is woken. */
  async #look<T>(runId: RunId, call: (run: RunRpc) => Promise<T>): Promise<T | null> {
    const host = this.rig.edge.host("RunObject", runId);
    if (!host.isAwake)
      await this.request(`a look at ${runId}`, ({ face, env }) =>
        face.callRun(env, runId, (run) => run.describe()),
      );
    return host.isAwake ? host.within((instance) => call(runOf(instance))) : null;
  }

  /** Ends the world and gives its databases back. */
  close(): void {
    this.rig.close();
  }

  /** A worker may die between the end of the author's code and the report of its result. */
  #afterCode(): Promise<void> {
    const { platform } = this.rig;
    const life = platform.current;
    return new Promise((resolve) => {
      if (life === null) resolve();
      else platform.resume(life, platform.hop(), resolve);
    });
  }

  #committed(host: ObjectHost): void {
    if (host.className === "RunObject") this.changed.add(host.name);
  }

  /** Lets events happen up to `until`, until `isOver` says so, or nothing is left to happen. */
  #drive(until: number, isOver: () => boolean = () => false): Promise<void> {
    return outsideOfCalls(async () => {
      const { scheduler } = this.ground;
      let events = 0;
      let [turns, idleSince] = [0, 0];
      const goesOn = (): boolean => !isOver();
      while (!isOver()) {
        const happened = await alone(() =>
          this.rig.platform.run(EVENTS_PER_TURN, goesOn, scheduler.now),
        );
        events += happened;
        if (happened > 0) [turns, idleSince] = [0, 0];
        if (events > EVENT_LIMIT) throw new NeverAtRestError(events);
        if (isOver()) return;
        if (happened === EVENTS_PER_TURN || scheduler.nextAt <= scheduler.now) {
          await nextTurn();
          continue;
        }
        const { outside } = this.#calls;
        if (outside.length > 0) {
          idleSince ||= realNow();
          if (realNow() - idleSince > this.#patienceMs) {
            for (const call of outside) call.isRunning = false;
            throw new WaitingOutsideError(outside, this.#patienceMs);
          }
          await nextTurn();
          continue;
        }
        if (this.#calls.isSettling && this.#isInstant && turns < SETTLING_TURNS) {
          turns += 1;
          await nextTurn();
          continue;
        }
        idleSince = 0;
        if (scheduler.nextAt === Number.POSITIVE_INFINITY && until === Number.POSITIVE_INFINITY)
          throw new Error("nothing is left to happen, and the request is not answered");
        if (scheduler.nextAt > until) {
          if (until !== Number.POSITIVE_INFINITY) scheduler.skipTo(until);
          return;
        }
        scheduler.skipTo(scheduler.nextAt);
      }
    });
  }
}

/** The only cast of an awake object of the class RunObject. */
function runOf(instance: object): RunRpc {
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return instance as RunRpc;
}
