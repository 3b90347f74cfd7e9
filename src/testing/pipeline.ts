/**
 * `testPipeline`: a project's pipelines in this process, on the real engine, with a clock that only
 * the test moves.
 *
 * The class has about 260 lines: a short method for each thing that a test can do, with its doc.
 */
import type { RunId } from "../domain/ids.ts";
import { parseRunId } from "../domain/ids.ts";
import type { Problem, Result } from "../domain/problem.ts";
import type { RunDocument, TaskOfRun } from "../contract/run.ts";
import type { DurationInput, TriggerOptions } from "../execution/author/api.ts";
import type { PipelineEnv } from "../execution/author/pipeline-env.ts";
import { stringifyJson } from "../payloads/json-text.ts";
import { installAuthorGlobals } from "./author-globals.ts";
import { checkNode, loadEngine } from "./engine.ts";
import { bodyOf, inMemory } from "./held-payload.ts";
import type { KitClient } from "./kit-face.ts";
import { openProject, type ProjectOptions } from "./project.ts";
import { readRecordedRun } from "./recorded-run.ts";
import { noTask, type Mocks } from "./registry.ts";
import { RunReader } from "./run-reader.ts";
import type { RunSnapshot } from "./snapshot.ts";
import type { TestRun } from "./test-run.ts";
import { millisecondsOf, timeOf } from "./time.ts";
import { TEST_TOKEN, TEST_URL, TestWorld, type WorldSettings } from "./world.ts";

/** Options of `testPipeline`. */
export interface TestPipelineOptions extends ProjectOptions {
  /** The time of the clock at the start: ISO 8601, or a date. Default: the real time. */
  readonly now?: string | Date | number;
  /**
   * Functions in the place of tasks, by the task's name in peach.conf. A task that is declared with
   * types keeps them: what its mock returns is checked.
   */
  readonly mocks?: Mocks;
  /**
   * Values of the worker's `env`: variables, secrets, and bindings of your own. They win over what
   * the kit makes of wrangler.toml.
   */
  readonly env?: Readonly<Record<string, unknown>>;
  /** The seed of random numbers and ids. Default: 1. */
  readonly seed?: number;
  /**
   * The limit of a wait that the kit does not drive, such as a real connection, in real time.
   * Default: 2s.
   */
  readonly patience?: DurationInput;
}

/** The report on an external task. */
export interface Completion {
  readonly status: "succeeded" | "failed";
  readonly payload?: unknown;
  readonly error?: { readonly message: string; readonly name?: string };
}

/** A refusal of the engine, as the API answers it. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  /** The code of the problem document, such as `unknown_task` or `invalid_payload`. */
  readonly code: Problem["code"];
  /** The wrong places of the input. */
  readonly errors: Problem["errors"];

  constructor({ code, detail, hint, errors }: Problem) {
    super(`${detail} ${hint}`);
    this.code = code;
    this.errors = errors;
  }
}

/**
 * Opens the project's pipelines for a test. Rejects with all problems of peach.conf.
 *
 * @example
 * const peach = await testPipeline({ now: "2026-11-29T10:00:00Z" });
 * const run = await peach.trigger("greet", { name: "Ada" });
 * expect(run.task("greet").passed).toBe("Hello Ada");
 */
export async function testPipeline(options: TestPipelineOptions = {}): Promise<TestPipeline> {
  const { mocks = {}, env = {}, seed = 1 } = options;
  return openPipeline({ ...options, mocks, env, seed, faults: null, isTelling: false, state: {} });
}

/** The settings of a pipeline under test. */
export interface PipelineSettings
  extends
    Pick<TestPipelineOptions, "now" | "patience" | "conf" | "pipelines">,
    Pick<WorldSettings, "mocks" | "env" | "seed" | "faults" | "isTelling"> {
  readonly state: Record<string, unknown>;
}

/** Opens the world of a test. */
export async function openPipeline(settings: PipelineSettings): Promise<TestPipeline> {
  checkNode();
  installAuthorGlobals();
  const { now = Date.now(), patience = "2s" } = settings;
  const startsAt = timeOf(now);
  const [code, project] = await Promise.all([loadEngine(), openProject(settings)]);
  const patienceMs = millisecondsOf(patience, "patience");
  const world = new TestWorld({ ...settings, code, project, startsAt, patienceMs });
  const pipeline = new TestPipeline(world, settings.state);
  await pipeline.announce();
  return pipeline;
}

/** The pipelines of one test. */
export class TestPipeline {
  /** Belongs to the test; `simulate` makes one for each seed. */
  readonly state: Record<string, unknown>;
  readonly #world: TestWorld;
  readonly #reader: RunReader;

  constructor(world: TestWorld, state: Record<string, unknown>) {
    this.#world = world;
    this.state = state;
    this.#reader = new RunReader(world);
  }

  /** The API token with all rights, for `request`. */
  get token(): string {
    return TEST_TOKEN;
  }

  /** The time of the clock. */
  get now(): Date {
    return new Date(this.#world.now);
  }

  /** The bindings and variables of the pipelines: look here at what they have stored. */
  get env(): PipelineEnv {
    // The only cast of the bindings, which wrangler.toml and the test have named.
    const env: unknown = this.#world.env;
    // oxlint-disable-next-line typescript/consistent-type-assertions
    return env as PipelineEnv;
  }

  /** Every run so far, in the order of their triggers. */
  get runs(): readonly TestRun[] {
    return this.#reader.runs;
  }

  /**
   * Triggers a task and lets everything happen that needs no time. Rejects with a `RefusedError`:
   * for an unknown task, or a payload that does not fit.
   */
  async trigger(task: string, payload?: unknown, options: TriggerOptions = {}): Promise<TestRun> {
    const { plan } = this.#world;
    if (!Object.hasOwn(plan.tasks, task)) throw new Error(noTask(plan, task));
    const { idempotencyKey: key, delay, tags = [] } = options;
    const held = await inMemory(payload);
    const accepted = await this.#ask(`trigger of ${task}`, key, (client, sentKey) => {
      const { face, dependencies, env, ctx } = client;
      const encoded = face.encodePayload(held);
      if (!encoded.ok) return Promise.resolve(encoded);
      return dependencies.acceptTrigger(env, ctx, {
        task,
        payload: encoded.value,
        idempotencyKey: sentKey === null ? null : face.apiKey("test", sentKey),
        origin: { source: "api", by: "test", parent: null, url: TEST_URL },
        delayMs: delay === undefined ? 0 : millisecondsOf(delay, "delay"),
        tags,
      });
    });
    return this.#reader.run(accepted.runId);
  }

  /** Emits an event. Returns a run for each task that listens to the name. */
  async emit(
    name: string,
    payload?: unknown,
    options: Pick<TriggerOptions, "idempotencyKey"> = {},
  ): Promise<readonly TestRun[]> {
    const { idempotencyKey: key } = options;
    const held = await inMemory(payload);
    const runs = await this.#ask(`event ${name}`, key, (client, sentKey) => {
      const { face, dependencies, env, ctx } = client;
      const encoded = face.encodePayload(held);
      if (!encoded.ok) return Promise.resolve(encoded);
      return dependencies.emitEvent(env, ctx, {
        name,
        payload: encoded.value,
        idempotencyKey: sentKey === null ? null : face.apiEventKey("test", name, sentKey),
        parent: null,
        url: TEST_URL,
      });
    });
    return runs.map(({ runId }) => this.#reader.run(runId));
  }

  /**
   * Stores an object in a bucket of wrangler.toml, and has R2 send its notification. Returns the
   * runs that it has triggered.
   */
  async upload(
    bucket: string,
    key: string,
    body: string | Uint8Array | ArrayBuffer | Blob,
    options: { readonly contentType?: string } = {},
  ): Promise<readonly TestRun[]> {
    const known = [...this.#world.rig.buckets.values()].map(({ name }) => name);
    if (!known.includes(bucket)) {
      const names =
        known.length === 0
          ? "neither wrangler.toml nor peach.conf names one"
          : `the buckets are ${known.join(", ")}`;
      throw new Error(`no bucket is called "${bucket}": ${names}`);
    }
    const bytes = new Uint8Array(await new Response(body).arrayBuffer());
    const { contentType } = options;
    const before = new Set(this.runs.map(({ id }) => id));
    this.#world.rig.upload(key, bytes, 1, {
      bucket,
      ...(contentType !== undefined && { httpMetadata: { contentType } }),
    });
    await this.#settle();
    return this.runs.filter(({ id }) => !before.has(id));
  }

  /**
   * Sends a request to an endpoint, or to the API (`/api/v1/…`, with `authorization: Bearer` and
   * `token`). As much time passes as the answer takes.
   */
  async request(path: string, init: RequestInit = {}): Promise<Response> {
    const body = await bodyOf(init.body);
    const headers = new Headers(init.headers);
    // As clients send it. A body of unknown length would be a stream, which Node sends no request of.
    if (body !== null) headers.set("Content-Length", String(body.length));
    const request = new Request(new URL(path, TEST_URL), {
      ...init,
      headers,
      ...(body !== null && { body }),
    });
    const response = await this.#world.fetch(request);
    await this.#read();
    return response;
  }

  /** Completes an external task, as its completion URL does. Rejects with a `RefusedError`. */
  async complete(run: TestRun | string, task: string, completion: Completion): Promise<void> {
    const runId = idOf(run);
    const bytes = new TextEncoder().encode(stringifyJson(completion));
    await this.#ask(`completion of ${task}`, undefined, async ({ face, dependencies, env }) => {
      const body = {
        contentType: "application/json",
        contentLength: bytes.length,
        body: new Response(bytes).body ?? new ReadableStream(),
      };
      const completed = await face.completeTask(
        { callRun: face.callRun, registry: dependencies.registry },
        env,
        { runId, task, by: "test" },
        body,
      );
      if (completed) return completed;
      throw new Error(`the run ${runId} has no task "${task}"`);
    });
  }

  /**
   * Runs a recorded run again: a file that `peach replay RUN --save FILE` has written. Triggers the
   * same task with the exact payload. Throws for a file that is no recorded run.
   */
  async load(file: string): Promise<TestRun> {
    const { task, payload } = readRecordedRun(file);
    return this.trigger(task, payload?.value);
  }

  /** Cancels a run. Its running attempts are told by their `signal`. */
  async cancel(run: TestRun | string): Promise<void> {
    await this.#call(run, "cancel");
  }

  /** Retries a final run in place: its failed tasks, and what did not run because of them. */
  async retry(run: TestRun | string): Promise<void> {
    await this.#call(run, "retry");
  }

  /** Lets time pass: delays, retries, sleeps, schedules. `duration`: `"2h"`, or milliseconds. */
  async advance(duration: DurationInput): Promise<void> {
    await this.#world.advance(millisecondsOf(duration, "duration"));
    await this.#read();
  }

  /** Copies of all runs for a snapshot (see `TestRun.snapshot`). */
  snapshot(): readonly RunSnapshot[] {
    return this.runs.map((run) => run.snapshot());
  }

  /** Ends the test's world. Optional: nothing of it keeps the process alive. */
  close(): void {
    this.#world.close();
  }

  /** Test runners call it at the end of `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** Announces the schedules, as a deploy does. */
  async announce(): Promise<void> {
    if (!Object.values(this.#world.plan.tasks).some(({ schedules }) => schedules.length > 0))
      return;
    this.#world.rig.scheduled();
    await this.#settle();
  }

  /** Lets time pass until every run is final or waits for a test; faults end after a while. */
  async rest(mostMs: number): Promise<void> {
    await this.#restWithin(FAULTS_MS);
    this.#world.calm();
    await this.#restWithin(mostMs);
    const open = this.runs.find(({ document }) => !isAtRest(document));
    if (open !== undefined)
      throw new Error(
        `the run of "${open.document.task}" has not ended after ${mostMs / 3_600_000} hours without faults: ${JSON.stringify(open.snapshot().tasks)}`,
      );
  }

  async #restWithin(mostMs: number): Promise<void> {
    await this.#read();
    const latest = this.#world.now + mostMs;
    const isOver = (): boolean => this.runs.every(({ document }) => isAtRest(document));
    while (!isOver() && this.#world.now < latest) {
      await this.#world.advance(Math.min(REST_STEP_MS, latest - this.#world.now));
      await this.#read();
    }
  }

  /** The number of faults that have struck. */
  get struck(): number {
    return this.#world.ground.faults.struck;
  }

  /** The story of the world so far, if it is told. */
  get story(): readonly string[] {
    return this.#world.ground.story;
  }

  async #call(run: TestRun | string, what: "cancel" | "retry"): Promise<void> {
    const response = await this.request(`/api/v1/runs/${idOf(run)}/${what}`, {
      method: "POST",
      headers: { authorization: `Bearer ${TEST_TOKEN}` },
    });
    if (response.ok) return;
    throw new Error(`${what}: ${await response.text()}`);
  }

  /** Makes a request; a request that the world's faults have lost is sent again with its key. */
  async #ask<T>(
    name: string,
    key: string | undefined,
    work: (client: KitClient, key: string | null) => Promise<Result<T>>,
  ): Promise<T> {
    const sentKey = key ?? this.#world.keyForRetries();
    const answer = await this.#world.insist(name, (client) => work(client, sentKey));
    await this.#read();
    if (!answer.ok) throw new RefusedError(answer.problem);
    return answer.value;
  }

  async #settle(): Promise<void> {
    await this.#world.advance(0);
    await this.#read();
  }

  async #read(): Promise<void> {
    if (!this.#world.isWithin) await this.#reader.read();
  }
}

/** Time of faults after the scenario, in milliseconds. */
const FAULTS_MS = 15 * 60_000;
/** A step towards rest, in milliseconds. */
const REST_STEP_MS = 10_000;

function isAtRest({ status, tasks }: RunDocument): boolean {
  if (status !== "queued" && status !== "running") return true;
  const isOpen = ({ status: of }: TaskOfRun): boolean =>
    of === "queued" || of === "running" || of === "retrying";
  return !tasks.some(isOpen) && tasks.some(({ status: of }) => of === "waiting");
}

function idOf(run: TestRun | string): RunId {
  const id = typeof run === "string" ? parseRunId(run) : run.id;
  if (id === null) throw new TypeError(`${JSON.stringify(run)} is no id of a run`);
  return id;
}
