import { describe, expect, it } from "vitest";
import type { RunSummary } from "../../../src/domain/run/summary.ts";
import { UnreadableRunError } from "../../../src/domain/run/unreadable-run.ts";
import { NewerFormatError } from "../../../src/domain/version.ts";
import { ProblemNotice } from "../../../src/objects/run/problem-notice.ts";
import { newRunId } from "../../support/hand-driven.ts";

const NEWER = new NewerFormatError("the entry 2", "format 2");
const UNREADABLE = new UnreadableRunError(new Error("cut off"));
const BEGINNING = {
  id: newRunId(),
  task: "first",
  origin: { source: "api", by: "ci", parent: null },
  createdAt: 1_000,
} as const;

function notice(beginning: typeof BEGINNING | null = BEGINNING) {
  const told: Pick<RunSummary, "id" | "problem">[] = [];
  const failures: unknown[] = [];
  const state = { isCatalogSilent: false };
  const made = new ProblemNotice(
    { beginning: () => beginning },
    {
      now: () => 2_000,
      reportToCatalog: async (summary) => {
        if (state.isCatalogSilent) throw new Error("silent");
        told.push(summary);
        return true;
      },
      reportFailed: (error) => failures.push(error),
    },
  );
  return { made, told, failures, state };
}

describe("the notice of a run that cannot be read", () => {
  it("the notice of a run that cannot be read says which problem it has, once as long as that is the same", async () => {
    const { made, told } = notice();
    for (const error of [NEWER, NEWER, UNREADABLE, UNREADABLE]) await made.tell(error);
    expect(told).toMatchObject([
      { id: BEGINNING.id, task: "first", createdAt: 1_000, foundAt: 2_000, problem: "awaits_deploy" },
      { id: BEGINNING.id, problem: "run_unreadable" },
    ]);
  });

  it("the notice of a run that cannot be read is none for an error of the surroundings, nor where its beginning cannot be read either", async () => {
    const { made, told } = notice();
    await made.tell(new Error("the storage is overloaded"));
    const other = notice(null);
    await other.made.tell(UNREADABLE);
    expect([...told, ...other.told]).toEqual([]);
  });

  it("the notice of a run that cannot be read is repeated where the catalog could not be told", async () => {
    const { made, told, failures, state } = notice();
    state.isCatalogSilent = true;
    await made.tell(UNREADABLE);
    state.isCatalogSilent = false;
    await made.tell(UNREADABLE);
    expect(failures).toHaveLength(1);
    expect(told).toMatchObject([{ problem: "run_unreadable" }]);
  });
});
