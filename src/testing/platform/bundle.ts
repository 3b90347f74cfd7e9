/**
 * Bundles the worker as one text: the real `src/worker/worker.ts` with all its imports, for the
 * simulation or for the test kit.
 *
 * The simulation leaves out the HTTP side: simulated clients call the functions below. A bundle can
 * have a change of the code, as a seeded bug. The test kit includes the HTTP side, and shares the
 * modules of `peach/task-helpers` with pipelines.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build, type Plugin } from "esbuild";
import { prepareModuleState } from "./module-state.ts";

export const ROOT = resolve(import.meta.dirname, "../../..");

/** A wrong change of a file, which holds the code exactly once. */
export interface Change {
  readonly file: string;
  readonly code: string;
  readonly instead: string;
}

/** Exports of the worker beside its classes and handlers. */
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

/** Exports for the test kit alone. */
const KIT_ENTRY = `
${ENTRY}
export { completeTask } from "./src/execution/external/complete.ts";
export { openPayload } from "./src/payloads/payload-store.ts";
export { executeAttempt } from "./src/execution/attempt/run-attempt.ts";
export { Deadlines } from "./src/execution/attempt/deadlines.ts";
`;

/** Replaces the HTTP side: a request is a function, called with the dependencies of the app. */
const APP = `
export function createApp(dependencies) {
  return { fetch: (request, env, ctx) => request(dependencies, env, ctx) };
}
`;

/** Replaces the module that hides the worker's own `env` from authors. */
const OWN_ENV = "export const hiddenEnv = {};\nexport function hideExports() {}";

/** Serves both kinds of requests. The app is created at the first request over HTTP. */
const KIT_APP = `
import { createApp as create } from "./src/http/app.ts";
export function createApp(dependencies) {
  let app;
  return {
    fetch: (request, env, ctx) =>
      typeof request === "function"
        ? request(dependencies, env, ctx)
        : (app ??= create(dependencies)).fetch(request, env, ctx),
  };
}
`;

/** The packages that all isolates share. No package here keeps state that a world could see. */
const SHARED = /^(zod|croner|jose|aws4fetch|fastest-levenshtein|hono(\/.*)?)$/;

/** The modules that the engine shares with `peach/task-helpers`: scopes and errors. */
const WITH_HELPERS =
  /\/(?:execution\/author\/(?:context|errors)|triggers\/receive-object-events)\.ts$/;

/** The specifier of a module that the engine shares with `peach/task-helpers`. */
const sharedName = (path: string): string =>
  `peach:${path.slice(path.lastIndexOf("/") + 1, -".ts".length)}`;

/** The modules with immutable objects that are expensive to make, such as schemas. */
const CONSTANTS = /^src\/(domain|contract|http\/(api|openapi))\//;

/** Bundles the worker for the simulation. */
export function bundleWorker(change: Change | null = null): Promise<string> {
  return bundle(ENTRY, surroundings(APP, change), null);
}

/** Bundles the worker for the test kit. */
export function bundleKit(): Promise<string> {
  return bundle(KIT_ENTRY, surroundings(KIT_APP, null, WITH_HELPERS), CONSTANTS);
}

async function bundle(entry: string, plugin: Plugin, constants: RegExp | null): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: ROOT, loader: "ts" },
    bundle: true,
    format: "cjs",
    platform: "neutral",
    conditions: ["peach-source"],
    mainFields: ["module", "main"],
    external: ["node:*"],
    write: false,
    plugins: [plugin],
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error("the worker has no code");
  return prepareModuleState(file.text, constants);
}

function surroundings(app: string, change: Change | null, shared: RegExp | null = null): Plugin {
  return {
    name: "surroundings",
    setup(esbuild) {
      esbuild.onResolve({ filter: /^(cloudflare:workers|#generated\/\w+)$/ }, ({ path }) => ({
        path,
        external: true,
      }));
      esbuild.onResolve({ filter: SHARED }, ({ path }) => ({ path, external: true }));
      if (shared !== null)
        esbuild.onResolve({ filter: /\.ts$/ }, ({ path, resolveDir }) =>
          shared.test(resolve(resolveDir, path))
            ? { path: sharedName(path), external: true }
            : undefined,
        );
      esbuild.onResolve({ filter: /\/http\/app\.ts$/ }, ({ namespace }) =>
        namespace === "simulated" ? undefined : { path: "app", namespace: "simulated" },
      );
      // All isolates share an empty `env`, so there is no binding to hide.
      esbuild.onResolve({ filter: /\/hide-own-env\.ts$/ }, () => ({
        path: "own-env",
        namespace: "simulated",
      }));
      esbuild.onLoad({ filter: /.*/, namespace: "simulated" }, ({ path }) => ({
        contents: path === "app" ? app : OWN_ENV,
        loader: "js",
        resolveDir: ROOT,
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

/** Returns the text of a file with a change. */
export function changed({ file, code, instead }: Change): string {
  const text = readFileSync(join(ROOT, file), "utf8");
  const found = text.split(code).length - 1;
  if (found !== 1) throw new Error(`${file} holds the code ${found} times, not once: ${code}`);
  return text.replace(code, () => instead);
}
