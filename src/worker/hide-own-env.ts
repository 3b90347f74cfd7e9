/**
 * Hides Peach's own bindings from authors' code before any author's file is evaluated. Removes them
 * for good from `process.env`, where the platform copies variables and secrets and Peach reads
 * nothing; and, until all files are evaluated, from the imported `env`, which Peach's own handlers
 * and objects use (`createPeach` restores them). Afterwards, authors' code gets a narrowed `env`.
 * The worker imports this file before anything else, and the generated module that evaluates
 * authors' files imports the worker first. `exports` is empty until all files are evaluated.
 */
import process from "node:process";
import { env } from "cloudflare:workers";
import { isOwnName } from "../execution/author/pipeline-env.ts";

for (const name of Object.keys(process.env))
  if (isOwnName(name)) Reflect.deleteProperty(process.env, name);

const descriptors = Object.entries(Object.getOwnPropertyDescriptors(env)).filter(([name]) =>
  isOwnName(name),
);
for (const [name] of descriptors) Reflect.deleteProperty(env, name);

/** Restores Peach's own part of `env`, once the files of authors are evaluated. */
export function showOwnEnv(): void {
  for (const [name, descriptor] of descriptors) Object.defineProperty(env, name, descriptor);
}
