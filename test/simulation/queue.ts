/** The queue `peach-runs` and its consumer: at least once, in no order; and, since the design does not rely on it, also less than once. */
import type { RunId } from "../../src/core/ids.ts";
import type { Ground } from "../engine-simulation/ground/ground.ts";
import { Invocation, PassingError } from "./invocation.ts";

/** As in run/outbox.ts. */
const PAUSES_MS = [100, 500];

export class Queue {
  readonly #ground: Ground;
  readonly #startDriver: (runId: RunId) => void;

  constructor(ground: Ground, startDriver: (runId: RunId) => void) {
    this.#ground = ground;
    this.#startDriver = startDriver;
  }

  /** As `dispatchRun`: a few tries, then the run's alarm must repeat it. */
  async send(from: Invocation, runId: RunId, messages: number): Promise<void> {
    const ground = this.#ground;
    try {
      await from.retrying(PAUSES_MS, async () => {
        await from.pause(ground.dice.between(1, 10));
        const fails = ground.strikes("send_failed", () => runId);
        if (!fails || ground.dice.chance(0.5))
          for (let message = 0; message < messages; message += 1) this.#take(runId);
        if (fails) throw new PassingError("Too Many Requests");
      });
    } catch {
      ground.tell(() => `no message for ${runId} could be sent`);
    }
  }

  #take(runId: RunId): void {
    const ground = this.#ground;
    if (ground.strikes("message_lost", () => runId)) return;
    const copies = ground.strikes("message_doubled", () => runId) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const late = ground.strikes("message_late", () => runId);
      this.#deliver(runId, late ? ground.dice.between(2_000, 400_000) : ground.dice.between(5, 300));
    }
  }

  #deliver(runId: RunId, inMs: number): void {
    this.#ground.scheduler.after(inMs, () => void this.#consume(runId));
  }

  /** As `consumeRunMessages`: acknowledges once a driver has started. A consumer that dies before that gets the message again. */
  async #consume(runId: RunId): Promise<void> {
    const ground = this.#ground;
    const consumer = new Invocation(ground, `consumer of ${runId}`, 15 * 60_000, () =>
      this.#deliver(runId, ground.dice.between(1_000, 60_000)),
    );
    await consumer.pause(1);
    if (ground.strikes("consumer_killed", () => `before it started a driver for ${runId}`))
      return consumer.kill("killed");
    this.#startDriver(runId);
    await consumer.pause(1);
    if (ground.strikes("consumer_killed", () => `after it started a driver for ${runId}`)) consumer.kill("killed");
  }
}
