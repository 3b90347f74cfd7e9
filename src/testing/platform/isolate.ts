/**
 * An isolate: the worker's code with a separate state of the modules. Clock, timers and randomness
 * come from the simulated platform. The death of an isolate ends all code inside.
 */
import type { WorkerCode } from "./worker-code.ts";
import { enterPlatform } from "./globals.ts";
import type { Home, Life } from "./life.ts";
import type { Platform } from "./platform.ts";

/** A deployed release: code, and the result of `npm run compile`. */
export interface Release {
  readonly name: string;
  readonly code: WorkerCode;
  /** Makes the modules `#generated/…` for an isolate, by name. */
  readonly generated: (isolate: Isolate) => Readonly<Record<string, unknown>>;
  /** The variables of `env`, equal for all lives. */
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

  /** Enters the isolate: the code now sees this state. */
  enter(): void {
    enterPlatform(this.#platform);
    this.release.code.enter(this.#state);
  }

  /** Makes an instance of an exported class. */
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
