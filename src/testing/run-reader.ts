/**
 * Reads the runs of a world after each step of a test. The properties of a run are then
 * synchronous.
 */
import type { RunId } from "../domain/ids.ts";
import { parseRunId } from "../domain/ids.ts";
import { valueOf } from "./attempt-notes.ts";
import { faceOf } from "./kit-face.ts";
import type { RunState, TestLogLine } from "./run-state.ts";
import { type KnownRuns, type TestRun, viewOf } from "./test-run.ts";
import type { TestWorld } from "./world.ts";

export class RunReader implements KnownRuns {
  readonly #world: TestWorld;
  readonly #states = new Map<RunId, RunState>();
  readonly #runs = new Map<string, TestRun>();

  constructor(world: TestWorld) {
    this.#world = world;
  }

  /** The runs in the order of their triggers. */
  get runs(): readonly TestRun[] {
    return [...this.#runs.values()];
  }

  run(id: string): TestRun {
    const known = this.#runs.get(id);
    if (known !== undefined) return known;
    const runId = parseRunId(id);
    if (runId === null) throw new TypeError(`${id} is no id of a run`);
    return viewOf(runId, this);
  }

  state(runId: RunId): RunState {
    const state = this.#states.get(runId);
    if (state === undefined)
      throw new Error(`the run ${runId} is not known yet: await what has triggered it`);
    return state;
  }

  trace(runId: RunId): readonly string[] {
    return this.#world.traceOf(runId);
  }

  /** Reads the changed runs. */
  async read(): Promise<void> {
    const changed = [...this.#world.changed];
    this.#world.changed.clear();
    for (const name of changed) {
      const runId = parseRunId(name);
      if (runId === null) continue;
      const state = await this.#stateOf(runId);
      // The retention deleted the run. The last known state stays.
      if (state === null) continue;
      this.#states.set(runId, state);
      if (!this.#runs.has(runId)) this.#runs.set(runId, viewOf(runId, this));
    }
  }

  async #stateOf(runId: RunId): Promise<RunState | null> {
    const document = await this.#world.describe(runId);
    if (document === null) return null;
    const known = this.#states.get(runId);
    const passed = new Map<string, unknown>();
    const to = new Map<string, Readonly<Record<string, unknown>>>();
    const logs: TestLogLine[] = [];
    for (const { task, status, attempts, passed_to: children = [] } of document.tasks) {
      if (attempts.length > 0 || status === "succeeded")
        for (const line of await this.#world.logsOf(runId, task)) logs.push({ ...line, task });
      if (status !== "succeeded") continue;
      const before = known?.passed;
      passed.set(
        task,
        before?.has(task) === true ? before.get(task) : await this.#value(runId, task),
      );
      const own = known?.to.get(task) ?? (await this.#valuesFor(runId, task, children));
      if (children.length > 0) to.set(task, own);
    }
    const payload = known === undefined ? await this.#value(runId, null) : known.payload;
    return {
      document,
      passed,
      to,
      payload,
      logs: logs.toSorted((a, b) => a.at.localeCompare(b.at)),
    };
  }

  async #valuesFor(
    runId: RunId,
    task: string,
    children: readonly string[],
  ): Promise<Readonly<Record<string, unknown>>> {
    const own: Record<string, unknown> = {};
    for (const child of children) own[child] = await this.#value(runId, task, child);
    return own;
  }

  async #value(runId: RunId, task: string | null, to?: string): Promise<unknown> {
    const payload = await this.#world.payloadOf(runId, task, to);
    if (!payload) return undefined;
    const { code, rig } = this.#world;
    return valueOf({ face: faceOf(code.exports), payloads: rig.payloads }, payload);
  }
}
