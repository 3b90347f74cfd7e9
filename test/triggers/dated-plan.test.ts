import { describe, expect, it } from "vitest";
import { parseRunId } from "../../src/domain/ids.ts";
import { edge } from "../support/edge.ts";
import { HandDrivenRun } from "../support/hand-driven.ts";
import { planOf, taskPlan } from "../support/plan.ts";

const LIMITS = { concurrency: { limit: 5, strategy: "queue", key: null }, rateLimit: null, priority: 0 } as const;
const METADATA = { id: "a", tag: "", timestamp: "2027-01-01T00:00:00.000Z" };

/** The first entry of the journal of a run that this deployment has accepted. */
async function genesisOf(limits: typeof LIMITS | null): Promise<unknown> {
  const plan = planOf([taskPlan("scripted", { limits })]);
  const send = edge(plan, { env: { CF_VERSION_METADATA: METADATA } });
  const answer = await send("/api/v1/tasks/scripted/trigger", { method: "POST" });
  const { run_id }: { run_id: string } = await answer.json();
  const id = parseRunId(run_id);
  if (id === null) throw new Error(`no run id: ${run_id}`);
  const rows = await new HandDrivenRun(id).journal();
  return JSON.parse(rows.find(({ kind }) => kind === "genesis")?.entry ?? "");
}

describe("a run that is accepted", () => {
  it("a run that is accepted carries the time of its deployment if it has limits", async () => {
    expect(await genesisOf(LIMITS)).toMatchObject({ genesis: { graph: { madeAt: Date.UTC(2027, 0, 1) } } });
  });

  it("a run that is accepted carries none if it has no limits", async () => {
    expect(await genesisOf(null)).not.toHaveProperty("genesis.graph.madeAt");
  });
});
