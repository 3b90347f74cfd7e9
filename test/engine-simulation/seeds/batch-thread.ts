/** One thread of `batch.ts`, which lives through worlds of the worker. */
import { workerData } from "node:worker_threads";
import type { Share } from "./batch.ts";
import { liveThrough } from "./share.ts";
import { workerCode } from "../../../src/testing/platform/worker-code.ts";
import { simulate } from "../world.ts";

const share: Share = workerData;
const code = workerCode(share.worker);
await liveThrough(share, (seed, limits) => simulate(code, seed, limits));
