/** Finds the run of a command line: by the id, by the beginning of an id, or the newest run. */
import { PeachError } from "../client/client.ts";
import { UsageError } from "./command.ts";
import type { AnyClient } from "./deployment.ts";

/** The number of newest runs to compare with the beginning of an id. */
const SEARCHED = 1_000;
const WHOLE_ID = /^run_[0-9a-z]{26}$/;
/** The beginning of an id, with or without `run_`. The API refuses any other text. */
const BEGINNING = /^(?:run_)?[0-9a-z]{2,25}$/;
/** The number of candidates to name. */
const NAMED = 5;

/** Options of a command line without an id. */
export interface NewestOptions {
  /** True selects the newest failed run. */
  readonly failed?: boolean | undefined;
}

/**
 * Resolves the id of a run. Throws `UsageError` if several runs are meant, and `PeachError` if
 * there is none to choose.
 */
export async function runIdOf(
  { runs }: AnyClient,
  given: string | undefined,
  signal: AbortSignal,
  { failed = false }: NewestOptions = {},
): Promise<string> {
  if (given === undefined) {
    const status = failed ? ({ status: "failed" } as const) : {};
    const [newest] = (await runs.list({ ...status, limit: 1, signal })).runs;
    if (newest !== undefined) return newest.run_id;
    const detail = failed ? "No run has failed." : "There is no run yet.";
    throw new PeachError({ code: "unknown_run", detail, hint: "" });
  }
  if (failed) throw new UsageError("--failed is for the newest run: name none beside it");
  if (WHOLE_ID.test(given) || !BEGINNING.test(given)) return given;
  const beginning = given.startsWith("run_") ? given : `run_${given}`;
  const found: string[] = [];
  let searched = 0;
  for await (const { run_id: id } of runs.all({ signal })) {
    if (id.startsWith(beginning)) found.push(id);
    searched += 1;
    if (searched === SEARCHED) break;
  }
  const [only, ...others] = found;
  if (only === undefined && searched === SEARCHED)
    throw new UsageError(
      `none of the newest ${SEARCHED} runs begins with ${given}: an older one needs its whole id`,
    );
  // The API reports the missing run.
  if (only === undefined) return given;
  if (others.length === 0) return only;
  const shown = found.slice(0, NAMED).join(", ");
  throw new UsageError(`${found.length} of the newest ${searched} runs begin so: ${shown}`);
}
