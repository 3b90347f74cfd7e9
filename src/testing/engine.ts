/**
 * Loads the engine of the test kit: the worker's own code, bundled from the source in a clone, or
 * by the build of the package. The modules that `peach/task-helpers` imports are taken from this
 * process, so that helpers find the running task.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import * as hono from "hono";
import * as honoCookie from "hono/cookie";
import * as honoCors from "hono/cors";
import * as honoRouter from "hono/router";
import * as context from "../execution/author/context.ts";
import * as errors from "../execution/author/errors.ts";
import * as receiveObjectEvents from "../triggers/receive-object-events.ts";
import { IS_CLONE, PACKAGE_ROOT } from "../compiler/project-paths.ts";
import { kitGlobals } from "./kit-globals.ts";
import { workerCode, type WorkerCode } from "./platform/worker-code.ts";

/** The bundle in an installed package, made by the build of the package. */
const READY_MADE = join(PACKAGE_ROOT, "dist", "testing-engine.js");

let loading: Promise<WorkerCode> | null = null;

/** Loads the engine, once in the life of this process. */
export function loadEngine(): Promise<WorkerCode> {
  return (loading ??= load());
}

async function load(): Promise<WorkerCode> {
  return workerCode(await engineText(), {
    modules: {
      hono,
      "hono/cookie": honoCookie,
      "hono/cors": honoCors,
      "hono/router": honoRouter,
      "peach:context": context,
      "peach:errors": errors,
      "peach:receive-object-events": receiveObjectEvents,
    },
    globals: kitGlobals(),
  });
}

async function engineText(): Promise<string> {
  if (!IS_CLONE) return readFileSync(READY_MADE, "utf8");
  const { bundleKit } = await import("./platform/bundle.ts");
  return bundleKit();
}

/** Throws if Node lacks a feature that the kit needs. */
export function checkNode(): void {
  const [major = 0] = process.versions.node.split(".").map(Number);
  if (major >= 24) return;
  throw new Error(
    `peach/testing needs Node 24 or later, and this is Node ${process.versions.node}: node:sqlite, and pipelines in TypeScript`,
  );
}
