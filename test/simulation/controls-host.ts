/** The platform around the controls object, and somebody who pauses tasks and resumes them. The object is the real protocol over the real store. */
import { ControlsProtocol } from "../../src/controls/controls-protocol.ts";
import { ControlsStore } from "../../src/controls/store.ts";
import type { RunId } from "../../src/core/ids.ts";
import type { Dice } from "../engine-simulation/ground/dice.ts";
import type { Ground } from "../engine-simulation/ground/ground.ts";
import { Invocation } from "./invocation.ts";
import { MemoryStorage } from "../support/journal-storage.ts";

/** How long a task is paused. */
const PAUSED_MS = { least: 1_000, most: 20 * 60_000 } as const;

export class ControlsHost {
  readonly storage: MemoryStorage;
  readonly #ground: Ground;
  readonly #resumed: (life: Invocation, task: string, runId: RunId) => Promise<void>;
  /** What drivers know. */
  #known: readonly string[] = [];
  #alarms = 0;
  #life: Invocation;

  constructor(ground: Ground, resumed: (life: Invocation, task: string, runId: RunId) => Promise<void>) {
    this.#ground = ground;
    this.#resumed = resumed;
    this.#life = this.#begin();
    this.storage = new MemoryStorage(async () => {
      this.#alarms += 1;
    });
  }

  /** As a driver asks for work: with the paused tasks that it knows of. */
  get paused(): { readonly paused?: readonly string[] } {
    return this.#known.length === 0 ? {} : { paused: this.#known };
  }

  /** Somebody pauses this task at some time, and resumes it later. */
  schedule(task: string, dice: Dice): void {
    const { scheduler } = this.#ground;
    const at = dice.between(0, 120_000);
    scheduler.after(at, () => this.#change(`pauses ${task}`, (protocol) => void protocol.pause(task, "operator")));
    scheduler.after(at + dice.between(PAUSED_MS.least, PAUSED_MS.most), () =>
      this.#change(`resumes ${task}`, (protocol) => void protocol.resume(task)),
    );
  }

  awaitResume(from: Invocation, task: string, runId: RunId): Promise<boolean> {
    return from.call(`await the end of the pause of ${task}`, () => this.#protocol().awaitResume(task, runId));
  }

  #change(what: string, change: (protocol: ControlsProtocol) => void): void {
    this.#ground.tell(() => `the operator ${what}`);
    change(this.#protocol());
    const paused = this.#protocol()
      .paused()
      .map(({ task }) => task);
    // Isolates hear of it within five seconds.
    this.#ground.scheduler.after(this.#ground.dice.between(0, 5_000), () => {
      this.#known = paused;
    });
  }

  #begin(): Invocation {
    return new Invocation(this.#ground, "controls", Number.POSITIVE_INFINITY, () => {
      this.#life = this.#begin();
      // The platform calls the handler again.
      if (!this.storage.isEmpty) this.#arm(this.#ground.wall() + this.#ground.dice.between(500, 4_000));
    });
  }

  #protocol(): ControlsProtocol {
    const life = this.#life;
    return new ControlsProtocol(new ControlsStore(this.storage), {
      now: () => this.#ground.wall(),
      setAlarm: async (at) => this.#arm(at),
      resumed: (task, runId) => this.#resumed(life, task, runId),
      copy: async () => {},
      waitUntil: (work) => void work,
      log: (message, error) => this.#ground.tell(() => `controls: ${message}: ${String(error)}`),
    });
  }

  #arm(at: number): void {
    const number = ++this.#alarms;
    this.#ground.scheduler.after(at - this.#ground.wall() + 1, () => {
      if (number === this.#alarms) void this.#protocol().alarm();
    });
  }
}
