/**
 * Evaluates the worker's code once for all isolates of this process. Each isolate has a separate
 * state of the modules (see module-state.ts). Needs no bundler: an installed package evaluates the
 * text from its build.
 */
import process from "node:process";
import { GLOBALS } from "./globals.ts";
import { PACKAGES } from "./modules.ts";
import { freezeShared, type ModuleState } from "./shared-code.ts";
import { RpcTarget } from "./wire.ts";

/** The worker's code, with a state of its modules for each isolate. */
export interface WorkerCode {
  readonly exports: Readonly<Record<string, unknown>>;
  /**
   * Begins and enters the state of a new isolate. `generated`: the modules `#generated/…`, by
   * specifier.
   */
  begin(generated: Readonly<Record<string, unknown>>): Record<string, unknown>;
  /** Enters a state: all modules use the state until the next call. */
  enter(state: Record<string, unknown>): void;
}

/** Stands in for the base classes of `cloudflare:workers`. */
class Base {
  readonly ctx: unknown;
  readonly env: unknown;

  constructor(ctx: unknown, env: unknown) {
    this.ctx = ctx;
    this.env = env;
  }
}

const WORKERS = {
  DurableObject: Base,
  WorkerEntrypoint: Base,
  RpcTarget,
  // The worker never imports `env` or `exports`, so `work` needs no other values.
  withEnvAndExports: <T>(_env: unknown, _exports: unknown, work: () => T): T => work(),
  env: {},
  exports: {},
};

/** Parts of the surroundings that differ between the simulation and the test kit. */
export interface CodeOptions {
  /** Modules beside the packages that every isolate shares, by the specifier in the text. */
  readonly modules?: Readonly<Record<string, unknown>>;
  /** Globals that replace the platform's own. */
  readonly globals?: ReadonlyMap<string, unknown>;
}

/** Evaluates a text that `bundleWorker` has made. */
export function workerCode(
  text: string,
  { modules = {}, globals = GLOBALS }: CodeOptions = {},
): WorkerCode {
  const all = new Map([...GLOBALS, ...globals]);
  // The worker's own code, made of the files of this package.
  // oxlint-disable-next-line typescript/no-implied-eval
  const code = new Function(
    "require",
    "module",
    ...all.keys(),
    `"use strict";const exports = module.exports;${text}`,
  );
  const module: { exports: Readonly<Record<string, unknown>>; state?: ModuleState } = {
    exports: {},
  };
  let generated: Readonly<Record<string, unknown>> = {};
  const require = (name: string): unknown => {
    if (name === "cloudflare:workers") return WORKERS;
    const found = [generated, modules, PACKAGES].find((known) => name in known);
    const required: unknown = found === undefined ? builtIn(name) : found[name];
    if (required === undefined && !name.startsWith("#generated/"))
      throw new Error(`the worker's code imports "${name}", which is not given`);
    return required;
  };
  Reflect.apply(code, undefined, [require, module, ...all.values()]);
  const { exports, state } = module;
  if (state === undefined) throw new Error("the worker's code was not prepared");
  freezeShared(state.shared);
  let entered: Record<string, unknown> = {};
  const enter = (next: Record<string, unknown>): void => {
    if (next === entered) return;
    state.save(entered);
    state.restore(next);
    entered = next;
  };
  return {
    exports,
    begin: (own) => {
      state.save(entered);
      generated = own;
      state.fresh();
      entered = {};
      state.save(entered);
      return entered;
    },
    enter,
  };
}

function builtIn(name: string): unknown {
  return name.startsWith("node:") ? process.getBuiltinModule(name) : undefined;
}
