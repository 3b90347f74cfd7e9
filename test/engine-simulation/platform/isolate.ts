/**
 * One isolate: the worker's code, evaluated with a state of its own for its modules, and with a clock, timers and randomness that are
 * the platform's. It dies with everything that runs in it.
 */
import { createRequire } from "node:module";
import { globalsOf, type Globals } from "./globals.ts";
import type { Home, Life } from "./life.ts";
import type { Platform } from "./platform.ts";
import { RpcTarget } from "./wire.ts";

const require = createRequire(import.meta.url);

/** The worker's code as a function of what it finds around it. */
export type WorkerCode = (
  require: (name: string) => unknown,
  module: { exports: Readonly<Record<string, unknown>> },
  ...globals: Globals
) => void;

/** What is deployed: code, and what `npm run compile` makes of peach.conf and the pipelines. */
export interface Release {
  readonly name: string;
  readonly code: WorkerCode;
  /** The modules `#generated/…`, by their names, for an isolate of it. */
  readonly generated: (isolate: Isolate) => Readonly<Record<string, unknown>>;
  /** Variables and other things in `env` that are the same for everybody. */
  readonly variables: Readonly<Record<string, unknown>>;
}

class Base {
  readonly ctx: unknown;
  readonly env: unknown;

  constructor(ctx: unknown, env: unknown) {
    this.ctx = ctx;
    this.env = env;
  }
}

export class Isolate implements Home {
  readonly name: string;
  readonly release: Release;
  readonly lives = new Set<Life>();
  alive = true;
  readonly exports: Readonly<Record<string, unknown>>;

  constructor(platform: Platform, name: string, release: Release) {
    this.name = name;
    this.release = release;
    const generated = release.generated(this);
    // Nobody here imports `env`, so it need not be another one while `work` runs.
    const withEnv = <T>(_env: unknown, work: () => T): T => work();
    const workers = { DurableObject: Base, WorkerEntrypoint: Base, RpcTarget, withEnv, env: {}, exports: {} };
    const module: { exports: Readonly<Record<string, unknown>> } = { exports: {} };
    release.code(
      (name) => (name === "cloudflare:workers" ? workers : (generated[name] ?? require(name))),
      module,
      ...globalsOf(platform),
    );
    this.exports = module.exports;
  }

  /** A class that it exports, made. */
  make(className: string, ctx: unknown, env: unknown): object {
    const made = this.exports[className];
    if (typeof made !== "function") throw new Error(`the worker exports no class ${className}`);
    const instance: object = Reflect.construct(made, [ctx, env]);
    return instance;
  }

  /** Everything that runs in it ends: it ran out of memory, or its machine failed. */
  crash(): void {
    this.alive = false;
    for (const life of Array.from(this.lives)) life.kill(`its isolate ${this.name} has crashed`);
  }
}
