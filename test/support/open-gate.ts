import { ok } from "../../src/domain/problem.ts";
import type { Gate } from "../../src/triggers/accept.ts";

/** A gate that lets every trigger pass, and has no room for a driver: the queue is for all. */
export const OPEN_GATE: Gate = { admit: () => Promise.resolve(ok(null)) };
