/**
 * The worker's code as one text: the real `src/worker/worker.ts` with all that it imports, but what speaks HTTP, and the functions that clients
 * of a simulated world call in its place. One change of the code can be made on the way, as a seeded bug.
 */
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build, type Plugin } from "esbuild";
import { GLOBALS } from "./globals.ts";
import { freezeShared, prepareModuleState, type ModuleState } from "./module-state.ts";
import { RpcTarget } from "./wire.ts";

export const ROOT = resolve(import.meta.dirname, "../../..");

/** One wrong change of a file; the code must be found in it exactly once. */
export interface Change {
  readonly file: string;
  readonly code: string;
  readonly instead: string;
}

/** What the worker exports here beside its classes and handlers. */
const ENTRY = `
import { createPeach } from "./src/worker/worker.ts";
import { plan } from "#generated/plan";
import { registry as methods } from "#generated/registry";
export * from "./src/worker/worker.ts";
export const handlers = createPeach({ plan, methods });
export { apiEventKey, apiKey } from "./src/domain/trigger-key.ts";
export { callRun } from "./src/objects/run/run-client.ts";
export { encodePayload, decodePayload } from "./src/payloads/codec.ts";
export { openPayloadBytes } from "./src/payloads/payload-store.ts";
export { createReplayRun } from "./src/triggers/replay.ts";
export { completeByToken } from "./src/execution/external/complete.ts";
export { parseCompletionToken } from "./src/execution/external/completion-token.ts";
export { callPauses } from "./src/objects/pauses/pauses-client.ts";
export { callSchedules } from "./src/objects/schedules/schedules-client.ts";
`;

/** In place of the HTTP side: a request is a function of what the app was made with. */
const APP = `
export function createApp(dependencies) {
  return { fetch: (request, env, ctx) => request(dependencies, env, ctx) };
}
`;

/** In place of hiding the worker's own `env` from authors. */
const OWN_ENV = "export function showOwnEnv() {}";

/** Packages that are the same for every isolate: they keep no state that a world could see. */
const SHARED = /^(zod|croner|jose|aws4fetch|fastest-levenshtein)$/;

/** The worker's code, evaluated once for all isolates; each has a state of its modules. */
export interface WorkerCode {
  readonly exports: Readonly<Record<string, unknown>>;
  /** The state of an isolate that begins: with these modules `#generated/…`, by their names. It is entered. */
  begin(generated: Readonly<Record<string, unknown>>): Record<string, unknown>;
  /** Has this state be that of all modules, until another one is entered. */
  enter(state: Record<string, unknown>): void;
}

/** What `cloudflare:workers` exports. */
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
  // Nobody here imports `env` or `exports`, so they need not be others while `work` runs.
  withEnvAndExports: <T>(_env: unknown, _exports: unknown, work: () => T): T => work(),
  env: {},
  exports: {},
};

/** Bundles the worker. */
export async function bundleWorker(change: Change | null = null): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: ENTRY, resolveDir: ROOT, loader: "ts" },
    bundle: true,
    format: "cjs",
    platform: "neutral",
    conditions: ["peach-source"],
    mainFields: ["module", "main"],
    external: ["node:*"],
    write: false,
    plugins: [surroundings(change)],
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error("the worker has no code");
  return prepareModuleState(file.text);
}

/** The code of a text that `bundleWorker` has made. */
export function workerCode(text: string): WorkerCode {
  // The worker's own code, made of the files of this project just before.
  // oxlint-disable-next-line typescript/no-implied-eval
  const code = new Function(
    "require",
    "module",
    ...GLOBALS.keys(),
    `"use strict";const exports = module.exports;${text}`,
  );
  const module: { exports: Readonly<Record<string, unknown>>; state?: ModuleState } = {
    exports: {},
  };
  let generated: Readonly<Record<string, unknown>> = {};
  const required = createRequire(import.meta.url);
  const require = (name: string): unknown =>
    name === "cloudflare:workers" ? WORKERS : name in generated ? generated[name] : required(name);
  Reflect.apply(code, undefined, [require, module, ...GLOBALS.values()]);
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

function surroundings(change: Change | null): Plugin {
  return {
    name: "surroundings",
    setup(esbuild) {
      esbuild.onResolve({ filter: /^(cloudflare:workers|#generated\/\w+)$/ }, ({ path }) => ({
        path,
        external: true,
      }));
      esbuild.onResolve({ filter: SHARED }, ({ path }) => ({ path, external: true }));
      esbuild.onResolve({ filter: /\/http\/app\.ts$/ }, () => ({
        path: "app",
        namespace: "simulated",
      }));
      // All isolates share one `env`, which is empty: there is nothing to hide.
      esbuild.onResolve({ filter: /\/hide-own-env\.ts$/ }, () => ({
        path: "own-env",
        namespace: "simulated",
      }));
      esbuild.onLoad({ filter: /.*/, namespace: "simulated" }, ({ path }) => ({
        contents: path === "app" ? APP : OWN_ENV,
        loader: "js",
      }));
      if (change === null) return;
      const file = join(ROOT, change.file);
      const contents = changed(change);
      esbuild.onLoad({ filter: /\.ts$/ }, ({ path }) =>
        path === file ? { contents, loader: "ts" } : undefined,
      );
    },
  };
}

/** The text of the file with the change in it. */
export function changed({ file, code, instead }: Change): string {
  const text = readFileSync(join(ROOT, file), "utf8");
  const found = text.split(code).length - 1;
  if (found !== 1) throw new Error(`${file} holds the code ${found} times, not once: ${code}`);
  return text.replace(code, () => instead);
}
