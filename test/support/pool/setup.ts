/**
 * Files of the pool share a worker, whose start costs more than most files: each leaves to the next one the clock, the globals, the
 * functions and the memory of modules as they were at first, and nothing that is stored. Vitest runs this for each file.
 */
import { reset } from "cloudflare:test";
import { env } from "../env.ts";
import { afterAll, vi } from "vitest";
import { flushCounted } from "../../../src/http/middleware/audit.ts";
import { endCalls } from "./pipelines/scripted.ts";

afterAll(async () => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  endCalls();
  // What is counted would be stored up to five seconds later, for the next file to find.
  await flushCounted(env);
  await reset();
  vi.resetModules();
});
