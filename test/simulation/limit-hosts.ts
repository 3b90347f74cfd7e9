/** The limit objects of a world, and how runs reach them. */
import type { HoldEffect, HoldEvent } from "../../src/core/hold.ts";
import type { RunId } from "../../src/core/ids.ts";
import type { LimitName } from "../../src/core/limit.ts";
import type { Run } from "../../src/core/run.ts";
import type { LimitProtocol } from "../../src/limits/limit-protocol.ts";
import type { LimitRpc } from "../../src/limits/limit-rpc.ts";
import type { RunProtocol } from "../../src/run/run-protocol.ts";
import { performHoldEffect } from "../../src/run/slots.ts";
import type { Ground } from "../engine-simulation/ground/ground.ts";
import type { Invocation } from "./invocation.ts";
import { LimitHost } from "./limit-host.ts";
import { nameOf, type SlotChecker } from "./slot-checker.ts";

/** How limits and runs reach each other. */
interface Runs {
  call<T>(life: Invocation, runId: RunId, what: string, work: (run: RunProtocol) => T): Promise<T>;
  /** Has the run be told when the task is resumed. */
  awaitResume(life: Invocation, task: string, runId: RunId): Promise<boolean>;
  /** Lets the run's machine decide, without a call: it is the run that has asked. */
  hold(runId: RunId, event: HoldEvent): Run | null;
}

export class LimitHosts {
  readonly #ground: Ground;
  readonly #checker: SlotChecker;
  readonly #pausesMs: readonly number[];
  readonly #runs: Runs;
  readonly #hosts = new Map<string, LimitHost>();

  constructor(ground: Ground, checker: SlotChecker, pausesMs: readonly number[], runs: Runs) {
    this.#ground = ground;
    this.#checker = checker;
    this.#pausesMs = pausesMs;
    this.#runs = runs;
  }

  get hosts(): LimitHost[] {
    return [...this.#hosts.values()];
  }

  /** As a run object makes the calls that it owes a limit. */
  async perform(life: Invocation, runId: RunId, effect: HoldEffect): Promise<void> {
    const call = async <T>(limit: LimitName, perform: (object: LimitRpc) => Promise<T>): Promise<T> => {
      const reach = <A>(what: string, work: (protocol: LimitProtocol) => A): Promise<A> =>
        life.call(`${what} ${limit.kind} of ${limit.task}`, () => this.#host(limit).invoke(what, work));
      return life.retrying(this.#pausesMs, () =>
        perform({
          ask: (name, request) => reach("ask", (protocol) => protocol.ask(name, request)),
          giveBack: (holder, afterMs) => reach("give back", (protocol) => protocol.giveBack(holder, afterMs)),
          spend: (holder, perMs) => reach("spend", (protocol) => protocol.spend(holder, perMs)),
          use: () => reach("use", (protocol) => protocol.use()),
        }),
      );
    };
    const hold = (event: HoldEvent): Run | null => this.#runs.hold(runId, event);
    const awaitResume = (task: string): Promise<boolean> => this.#runs.awaitResume(life, task, runId);
    await performHoldEffect({ now: () => this.#ground.wall(), call, awaitResume, hold }, effect);
  }

  #host(name: LimitName): LimitHost {
    const known = this.#hosts.get(nameOf(name));
    if (known !== undefined) return known;
    const host = new LimitHost(name, {
      ground: this.#ground,
      permitted: (life, { kind }, holder) =>
        this.#runs.call(life, holder.runId, "permitted", (run) => run.permitted(kind, holder)),
      displaced: (life, holder) => this.#runs.call(life, holder.runId, "displaced", (run) => run.displaced(holder)),
      observe: (observed) => this.#checker.limit(observed),
    });
    this.#hosts.set(nameOf(name), host);
    return host;
  }
}
