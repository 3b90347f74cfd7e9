/** Watches that the catalogue lists what has ended. */
import type { CatalogHost } from "./catalog-host.ts";
import type { Checker } from "./checker.ts";
import type { Ground } from "../engine-simulation/ground/ground.ts";

/** A run that has ended is listed by then, whatever has failed meanwhile. */
const LISTED_MS = 15 * 60_000;

/** Every run that has ended a while ago is listed so, unless its retention is over by a clock that was set ahead of its alarm. */
export function checkListed(ground: Ground, catalogs: Iterable<CatalogHost>, runs: Checker["runs"]): void {
  const listed = new Map([...catalogs].flatMap((catalog) => catalog.list().map((run) => [run.id, run])));
  const now = ground.wall();
  for (const [runId, { status, finishedAt, retentionOver }] of runs) {
    if (finishedAt === null || finishedAt > now - LISTED_MS) continue;
    const run = listed.get(runId);
    if (run === undefined && now >= retentionOver) continue;
    if (run?.status !== status || run.finishedAt !== finishedAt)
      ground.violate("listed", `${runId} is ${status}, and listed as ${run?.status ?? "nothing"}`);
  }
}
