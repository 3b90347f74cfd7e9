/**
 * A life: running code of the worker that may die at any await. An invocation is a life, and an
 * object has one life after another. Code waits for the platform only. After the end of a life no
 * wait resolves, so the code stops.
 */
import type { Platform } from "./platform.ts";
import { failureOf } from "./wire.ts";

/** The isolate of a life, as the life needs it (see isolate.ts). */
export interface Home {
  readonly name: string;
  readonly alive: boolean;
  readonly lives: Set<Life>;
  readonly release: {
    readonly name: string;
    readonly variables: Readonly<Record<string, unknown>>;
  };
  readonly exports: Readonly<Record<string, unknown>>;
  make(className: string, ctx: unknown, env: unknown): object;
  enter(): void;
  crash(): void;
}

export class Life {
  readonly platform: Platform;
  readonly name: string;
  readonly isolate: Home;
  /** The skew of the life's clock, in milliseconds. */
  readonly skewMs: number;
  alive = true;
  /** True if a reset or a crash ended the life. */
  wasKilled = false;
  /** True for an invocation that has answered. */
  endsWhenIdle = false;
  /** The number of pending works that keep the life alive. */
  pending = 0;
  /** The received calls without an answer. */
  readonly answers = new Set<{ fail(error: Error): void }>();
  /** Holds effects back until earlier writes are durable; null for a life without storage. */
  readonly #gate: ((effect: () => void) => void) | null;
  readonly #onDeath: (() => void)[] = [];

  constructor(
    platform: Platform,
    name: string,
    isolate: Home,
    skewMs: number,
    gate: ((effect: () => void) => void) | null = null,
  ) {
    this.platform = platform;
    this.name = name;
    this.isolate = isolate;
    this.skewMs = skewMs;
    this.#gate = gate;
    isolate.lives.add(this);
  }

  /** Returns the value of `Date.now()` in the life. */
  now(): number {
    return this.platform.ground.wall() + this.skewMs;
  }

  /** Releases an effect: at once, or for an object after its writes are durable. */
  send(effect: () => void): void {
    if (!this.alive) return;
    if (this.#gate === null) effect();
    else this.#gate(effect);
  }

  /** Keeps the life alive until the work has ended. */
  carry(work: Promise<unknown>): void {
    this.pending += 1;
    const ended = work.catch((error: unknown) => {
      this.platform.ground.tell(() => `${this.name}: waitUntil: ${String(error)}`);
    });
    void ended.then(() => {
      this.pending -= 1;
      return this.endIfIdle();
    });
  }

  onDeath(then: () => void): void {
    this.#onDeath.push(then);
  }

  kill(why: string): void {
    if (!this.alive) return;
    this.alive = false;
    this.wasKilled = true;
    this.isolate.lives.delete(this);
    this.platform.ground.tell(() => `${this.name} dies: ${why}`);
    for (const answer of this.answers) answer.fail(failureOf("reset"));
    this.answers.clear();
    for (const then of this.#onDeath) then();
  }

  /** Ends an invocation after the answer, once no work is pending. */
  endIfIdle(): void {
    if (this.endsWhenIdle && this.pending === 0) this.end();
  }

  /** Ends the life. */
  end(): void {
    this.alive = false;
    this.isolate.lives.delete(this);
  }
}
