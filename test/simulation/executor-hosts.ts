/** The executor objects of a world. */
import type { RunId } from "../../src/core/ids.ts";
import type { Effect } from "../../src/core/run-event.ts";
import { ExecutorHost, type ExecutorWorld } from "./executor-host.ts";
import type { Ground } from "../engine-simulation/ground/ground.ts";
import { PassingError, type Invocation } from "./invocation.ts";

const CALL_PAUSES_MS = [100, 500];

type ExecutorStart = Omit<Extract<Effect, { readonly type: "start_executor" }>, "type">;

export class ExecutorHosts {
  readonly #ground: Ground;
  readonly #world: Omit<ExecutorWorld, "ground">;
  readonly #hosts = new Map<string, ExecutorHost>();

  constructor(ground: Ground, world: Omit<ExecutorWorld, "ground">) {
    this.#ground = ground;
    this.#world = world;
  }

  /** As `startExecutor`: it may fail for good. */
  async start(from: Invocation, runId: RunId, { ordinal, name, trial }: ExecutorStart): Promise<void> {
    try {
      await from.retrying(CALL_PAUSES_MS, () =>
        from.call(`start executor ${name}`, () => this.#host(name).start(runId, ordinal, trial)),
      );
    } catch (error) {
      this.#ground.tell(() => `executor ${name} could not be started: ${String(error)}`);
      if (!(error instanceof PassingError)) this.#ground.violate("no throw", `executor ${name}: ${String(error)}`);
    }
  }

  /** Every object is reset: a deploy. */
  reset(): void {
    for (const host of this.#hosts.values()) host.reset();
  }

  /** The world is at rest: nothing is kept. */
  atRest(): void {
    const left = [...this.#hosts].flatMap(([name, host]) => (host.isEmpty ? [] : [name]));
    if (left.length > 0) this.#ground.violate("10 nothing is left", `executor objects: ${left.join(", ")}`);
  }

  #host(name: string): ExecutorHost {
    const known = this.#hosts.get(name);
    if (known !== undefined) return known;
    const host = new ExecutorHost(name, { ground: this.#ground, ...this.#world });
    this.#hosts.set(name, host);
    return host;
  }
}
