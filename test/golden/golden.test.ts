import { describe, expect, it } from "vitest";
import { graphFrom } from "../../src/domain/plan/run-graph.ts";
import { nextWakeAt } from "../../src/domain/run/machine.ts";
import type { Plan } from "../../src/domain/plan/plan.ts";
import { summarize } from "../../src/domain/run/summary.ts";
import { refuseNewer } from "../../src/domain/version.ts";
import { readAcceptAnswer, readGrant } from "../../src/objects/run/grant-text-rpc.ts";
import { describeRun } from "../../src/objects/run/run-document.ts";
import type { AcceptText } from "../../src/objects/run/accept-rpc.ts";
import type { GrantText } from "../../src/objects/run/lease-rpc.ts";
import { Journal } from "../../src/objects/run/journal.ts";
import { parseRunMessage } from "../../src/triggers/run-message.ts";
import { MemoryStorage } from "../support/journal-storage.ts";
import { readRelease, releases, type GoldenJournal } from "./files.ts";
import { namesOf } from "./golden-run.ts";
import { recordRelease } from "./recorder.ts";

/** The run as this code reads it back. */
function opened({ tables, rows }: GoldenJournal) {
  const storage = new MemoryStorage(async () => {});
  for (const table of tables) storage.sql.exec(table);
  for (const { seq, kind, at, entry, data } of rows)
    storage.sql.exec(
      "INSERT INTO journal (seq, kind, at, entry, data) VALUES (?, ?, ?, ?, ?)",
      seq,
      kind,
      at,
      entry,
      data === null ? null : new Uint8Array(Buffer.from(data, "base64")),
    );
  const run = new Journal(storage).load();
  if (run === null) throw new Error("there is no run");
  return run;
}

describe.each(releases())("what release %s has left", (release) => {
  const { journals, messages, plan } = readRelease(release);

  it.each(journals.map((journal) => [journal.name, journal] as const))(
    "is opened, and is the run it was: %s",
    (_name, journal) => {
      const run = opened(journal);
      expect(describeRun(run, () => null, 0)).toMatchObject(journal.document ?? {});
      expect(summarize(run)).toMatchObject(journal.summary ?? {});
      expect(Number.isFinite(nextWakeAt(run))).toBe(journal.isDue);
    },
  );

  it("is understood as messages of the run queue", () => {
    for (const body of messages.queue) expect(parseRunMessage(body)).toEqual({ runId: expect.stringMatching(/^run_/) });
  });

  it("is understood by drivers, and by who triggers", () => {
    // oxlint-disable-next-line typescript/consistent-type-assertions
    for (const { text, leases } of messages.grants) expect(namesOf(readGrant(text as GrantText))).toEqual(leases);
    for (const { text, leases, outcome } of messages.accepted) {
      // oxlint-disable-next-line typescript/consistent-type-assertions
      const answer = readAcceptAnswer(text as AcceptText);
      expect([answer.outcome, namesOf(answer.grant)]).toEqual([outcome, leases]);
    }
  });

  it("is understood as announcements of schedules", () => {
    for (const announcement of messages.announcements) refuseNewer(announcement ?? {}, "an announcement");
  });

  it("is a plan whose runs cover what they covered", () => {
    // oxlint-disable-next-line typescript/consistent-type-assertions
    const recorded = plan.plan as Plan;
    for (const [task, graph] of Object.entries(plan.graphs))
      expect(graphFrom(recorded, task)).toMatchObject(graph ?? {});
  });
});

describe("the recording of a release", () => {
  it("the recording of a release has every kind that this code may write, and is the same each time", async () => {
    expect(await recordRelease()).toEqual(await recordRelease());
  });
});
