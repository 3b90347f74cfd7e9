/**
 * Hides Peach's own bindings from authors' code before any author's file is evaluated. Removes them
 * for good from `process.env`, where the platform copies variables and secrets and Peach reads
 * nothing; and, until all files are evaluated, from the imported `env`, which Peach's own handlers
 * and objects use (`show-own-env.ts` restores them). Afterwards, authors' code is called with a
 * narrowed `env`. A module that imports the registry imports this file before, and
 * `show-own-env.ts` after. `exports` is empty until all files are evaluated.
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

/** Property descriptors removed from `env`. */
export const hidden: PropertyDescriptorMap = Object.fromEntries(descriptors);
