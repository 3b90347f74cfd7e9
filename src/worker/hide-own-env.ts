/**
 * Takes what is Peach's own out of what all code of an isolate reads, before any file of an author's is evaluated: out of `process.env`, where
 * the platform puts each variable and secret too and Peach reads nothing, for good; and out of the imported `env`, which is the one that
 * Peach's own handlers and objects get, until all files are evaluated (`show-own-env.ts`). From then on authors' code is called with a
 * narrow one. Whoever imports the registry imports this before it and the other one after it; `exports` is empty until all are evaluated.
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

/** What was taken out of `env`. */
export const hidden: PropertyDescriptorMap = Object.fromEntries(descriptors);
