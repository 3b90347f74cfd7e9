/**
 * Something of the worker that runs and may die at any await: an invocation, or one life of an
 * object. Whatever its code waits for comes from the platform; a life that has ended gets nothing
 * any more, so nothing of it goes on.
 */
import type { Platform } from "./platform.ts";
import { failureOf } from "./wire.ts";

/** The isolate that it runs in, as far as anybody who has a life needs it (see isolate.ts). */
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
  /** The skew of the clock that the code sees, in milliseconds. */
  readonly skewMs: number;
  alive = true;
  /** True for an invocation that has answered. */
  endsWhenIdle = false;
  /** Work that keeps it alive. */
  pending = 0;
  /** Calls that it has not answered yet. */
  readonly answers = new Set<{ fail(error: Error): void }>();
  /** The number of failures of the platform so far. */
  failures = 0;
  /**
   * Holds its effects back until what was written before is durable; null: nothing is written here.
   */
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

  /** Lets something leave it: at once, or, of an object, when what it has written is durable. */
  send(effect: () => void): void {
    if (!this.alive) return;
    if (this.#gate === null) effect();
    else this.#gate(effect);
  }

  /** Keeps it alive until this has come to its end. */
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
    this.isolate.lives.delete(this);
    this.platform.ground.tell(() => `${this.name} dies: ${why}`);
    for (const answer of this.answers) answer.fail(failureOf("reset"));
    this.answers.clear();
    for (const then of this.#onDeath) then();
  }

  /** Of an invocation: its end, once it has answered and nothing is carried any more. */
  endIfIdle(): void {
    if (this.endsWhenIdle && this.pending === 0) this.end();
  }

  /** Ends the life. */
  end(): void {
    this.alive = false;
    this.isolate.lives.delete(this);
  }
}
