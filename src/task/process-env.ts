/**
 * The platform gives `process.env` each variable and secret of the worker too, and all code of an isolate reads the same one. So Peach's own
 * are taken out of it before any file of an author's is evaluated: who imports this does so before the registry.
 */
import process from "node:process";
import { isOwnName } from "./pipeline-env.ts";

const { env } = process;
for (const name of Object.keys(env)) if (isOwnName(name)) Reflect.deleteProperty(env, name);
