import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { figuresOf } from "../../scripts/chaos/report.ts";
import { readMutation, readReports, renderPage } from "../../scripts/proof/page.ts";
import { PROOFS } from "../../scripts/proof/proofs.ts";

const KEPT = {
  taken_at: "2027-01-02T03:04:05.678Z",
  commit: "0123456789",
  command: "npm run chaos",
  cpus: 2,
  load: 0.25,
};

const CHAOS = figuresOf({
  seed: 7,
  history: {
    reports: [],
    runs: [],
    killedAt: [],
    keyed: new Set(),
    leftovers: [],
    alarms: new Set(),
    heldState: [],
    wronglyListed: [],
    refusals: [],
  },
  violations: [{ rule: "stuck_run", run: null, task: null, detail: "it never ended" }],
  kills: [],
  load: { accepted: 1_234, unanswered: 0, found: 0, byKind: new Map() },
  tookMs: 60_000,
  lastFinalAfterMs: 5,
  quiet: 0,
  deadLetters: [],
  gaveUp: false,
});

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "peach-proof-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe("the page of the long proofs", () => {
  it("the page of the long proofs is what its reports say", () => {
    expect(readFileSync("docs/proof/README.md", "utf8")).toBe(
      renderPage(readReports("docs/proof"), readMutation("docs/proof")),
    );
  });

  it("the page of the long proofs names each proof that was never run, with its command", () => {
    const page = renderPage(new Map(), { folders: {} });
    for (const { name, title } of PROOFS) {
      expect(page).toContain(`## ${title}\n`);
      expect(page).toContain(`Not run yet: \`npm run proof -- --only ${name}\``);
    }
  });

  it("the page of the long proofs shows when, of which code and where a report was taken, and that it failed", () => {
    writeFileSync(join(folder, "chaos.json"), JSON.stringify({ ...KEPT, exit_code: 1, report: CHAOS }));
    const page = renderPage(readReports(folder), { folders: {} });
    expect(page).toContain(
      "2027-01-02, commit 0123456789, `npm run chaos`, 2 processors, load before 0.3, **exit code 1**.",
    );
    expect(page).toContain("- seed 7: 1,234 triggers accepted, 0 runs, 0 kills");
    expect(page).toContain("- 0 dead letters, 1 violations\n- **stuck_run**: it never ended");
  });

  it("the page of the long proofs refuses a report that is none", () => {
    writeFileSync(join(folder, "chaos.json"), JSON.stringify({ ...KEPT, report: CHAOS }));
    expect(() => readReports(folder)).toThrow("exit_code");
  });
});
