/**
 * One isolate: the worker's code with a state of its own for its modules, and with a clock, timers
 * and randomness that are the platform's. It dies with everything that runs in it.
 */
import type { WorkerCode } from "./worker-code.ts";
import { enterPlatform } from "./globals.ts";
import type { Home, Life } from "./life.ts";
import type { Platform } from "./platform.ts";

/** A deployed release: code, and the result of `npm run compile`. */
export interface Release {
  readonly name: string;
  readonly code: WorkerCode;
  /** The modules `#generated/…`, by their names, for an isolate of it. */
  readonly generated: (isolate: Isolate) => Readonly<Record<string, unknown>>;
  /** Variables and other things in `env` that are the same for everybody. */
  readonly variables: Readonly<Record<string, unknown>>;
}

export class Isolate implements Home {
  readonly name: string;
  readonly release: Release;
  readonly lives = new Set<Life>();
  alive = true;
  readonly #platform: Platform;
  /** The state of the modules. */
  readonly #state: Record<string, unknown>;

  constructor(platform: Platform, name: string, release: Release) {
    this.name = name;
    this.release = release;
    this.#platform = platform;
    enterPlatform(platform);
    this.#state = release.code.begin(release.generated(this));
  }

  get exports(): Readonly<Record<string, unknown>> {
    return this.release.code.exports;
  }

  /** Makes the isolate the one that runs. */
  enter(): void {
    enterPlatform(this.#platform);
    this.release.code.enter(this.#state);
  }

  /** A class that it exports, made. */
  make(className: string, ctx: unknown, env: unknown): object {
    const made = this.exports[className];
    if (typeof made !== "function") throw new Error(`the worker exports no class ${className}`);
    const instance: object = Reflect.construct(made, [ctx, env]);
    return instance;
  }

  /** Ends all running code: the memory is full, or the machine failed. */
  crash(): void {
    this.alive = false;
    for (const life of Array.from(this.lives)) life.kill(`its isolate ${this.name} has crashed`);
  }
}
