/**
 * Hides Peach's own bindings from authors' code, for good, before any author's file is evaluated.
 * Removes the bindings from the imported `env`, and from `process.env`, where the platform copies
 * variables and secrets. Code outside of every call, such as a timer set by a file, then sees no
 * more than a task does. Peach's own code reads the bindings by `ownEnv`.
 * The worker imports this file before anything else, and the generated module that evaluates
 * authors' files imports the worker first. `exports` is empty until all files are evaluated.
 */
import process from "node:process";
import { env } from "cloudflare:workers";
import { isOwnName } from "../execution/author/pipeline-env.ts";

for (const name of Object.keys(process.env))
  if (isOwnName(name)) Reflect.deleteProperty(process.env, name);

/** Peach's own part of the worker's `env`. */
export const hiddenEnv: object = Object.fromEntries(
  Object.entries(env).filter(([name]) => isOwnName(name)),
);
for (const name of Object.keys(hiddenEnv)) Reflect.deleteProperty(env, name);

/**
 * Empties `exports`: the platform's `ctx.exports`, which authors' files import under that name.
 * Authors' code outside of every call would reach all objects there. An example of such code is a
 * function in `AsyncLocalStorage.snapshot()`, where a file took the snapshot at its evaluation.
 */
export function hideExports(exports: object): void {
  for (const name of Object.keys(exports)) Reflect.deleteProperty(exports, name);
}
