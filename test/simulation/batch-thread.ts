/** One thread of `batch.ts`, for the worlds of this folder. */
import { workerData } from "node:worker_threads";
import type { Share } from "../engine-simulation/seeds/batch.ts";
import { liveThrough } from "../engine-simulation/seeds/share.ts";
import { simulate } from "./world.ts";

const share: Share = workerData;
await liveThrough(share, simulate);
