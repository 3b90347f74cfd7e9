import { describe, expect, it } from "vitest";
import { runLines } from "../../src/cli/run-view.ts";
import { FINAL } from "../client/documents.ts";

const RETRIED = {
  ...FINAL,
  waited_ms: 7_500_000,
  rounds: 2,
  history: [
    ...FINAL.history,
    { what: "completed", at: "2026-11-22T10:01:00.000Z", by: null, task: "approve" },
    { what: "retried", at: "2026-11-22T10:02:00.000Z", by: "ben" },
  ],
} as const;
const PLAIN = { columns: null, colors: false };

describe("a run in the terminal", () => {
  it("a run in the terminal tells how long it waited, how often it was retried, and who did what", () => {
    expect(runLines(RETRIED, 0, PLAIN)).toEqual(
      expect.arrayContaining([
        "waited      2h 5m",
        "rounds      2",
        "completed approve 2026-11-22 10:01:00Z",
        "retried 2026-11-22 10:02:00Z by ben",
      ]),
    );
  });

  it("a run in the terminal that nobody touched, and that waited for nothing, has no such lines", () => {
    const text = runLines(FINAL, 0, PLAIN).join("\n");
    for (const word of ["waited", "rounds", "triggered 20"]) expect(text).not.toContain(word);
  });
});
