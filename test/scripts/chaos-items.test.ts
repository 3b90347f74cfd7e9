import { describe, expect, it } from "vitest";
import type { RunDocument } from "../../scripts/chaos/history.ts";
import { checkItems, type ItemReport } from "../../scripts/chaos/item-checks.ts";

const attempts = [
  { attempt: 1, status: "lost", error: null },
  { attempt: 2, status: "succeeded", error: null },
];
const EACH = { total: 2, succeeded: 2, failed: 0 };

/** map ──▶ item ×2 ──▶ end; the first attempt of each was lost. */
const DOCUMENT: RunDocument = {
  run_id: "run_1",
  task: "map",
  status: "succeeded",
  trigger: { source: "api" },
  finished_at: "2026-11-22T12:00:00.000Z",
  tasks: [
    { task: "map", status: "succeeded", reason: null, upstream: [], attempts },
    { task: "item", status: "succeeded", reason: null, upstream: ["map"], attempts, each: EACH },
    { task: "end", status: "succeeded", reason: null, upstream: ["item"], attempts },
  ],
  children: [],
};

const REPORTS: readonly ItemReport[] = [
  { run: "run_1", task: "map", attempt: 1, event: "made", items: ["lost a", "lost b"] },
  { run: "run_1", task: "map", attempt: 2, event: "made", items: ["a", "b"] },
  { run: "run_1", task: "item", attempt: 1, event: "item", index: 0, read: "a", passed: "A" },
  { run: "run_1", task: "item", attempt: 1, event: "item", index: 1, read: "b", passed: "lost B" },
  { run: "run_1", task: "item", attempt: 2, event: "item", index: 1, read: "b", passed: "B" },
  { run: "run_1", task: "end", attempt: 2, event: "joined", items: ["A", "B"] },
];

describe("items of a run that was killed in the middle", () => {
  it("items of a run that was killed in the middle are as they have to be if each read what was accepted, and all were read in order", () => {
    expect(checkItems(DOCUMENT, REPORTS)).toEqual([]);
  });

  it.each<[string, (reports: readonly ItemReport[]) => readonly ItemReport[]]>([
    ["never ran", (reports) => reports.toSpliced(2, 1)],
    ["read what a lost attempt had made", (reports) => reports.toSpliced(2, 1, itemOf(0, "lost a", "A"))],
    ["read two things", (reports) => [...reports, itemOf(0, "b", "A")]],
    ["are read in another order", (reports) => reports.toSpliced(5, 1, joined("B", "A"))],
    ["are read one too few", (reports) => reports.toSpliced(5, 1, joined("A"))],
    ["are read as nobody has passed them", (reports) => reports.toSpliced(5, 1, joined("A", "C"))],
  ])("items of a run that was killed in the middle are told if they %s", (_, change) => {
    expect(checkItems(DOCUMENT, change(REPORTS)).length).toBeGreaterThan(0);
  });

  it("items of a run that was killed in the middle are told if not all have succeeded", () => {
    const tasks = DOCUMENT.tasks.map((task) =>
      task.each === undefined ? task : { ...task, each: { ...EACH, succeeded: 1 } },
    );
    expect(checkItems({ ...DOCUMENT, tasks }, REPORTS)).toHaveLength(1);
  });
});

describe("an item that kills its worker", () => {
  /** What `createHash("sha256").update("null")` gives. */
  const NULL = "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b";
  const tasks = DOCUMENT.tasks.map((task) =>
    task.each === undefined ? task : { ...task, each: { total: 2, succeeded: 1, failed: 1 } },
  );
  const reports = [...REPORTS.filter((report) => report.event !== "joined"), joined("A", NULL)];
  const ofPoison = (read: readonly ItemReport[]): readonly unknown[] =>
    checkItems({ ...DOCUMENT, tasks }, read, { item: [1] });

  it("an item that kills its worker is the one that fails, and null stands in its place", () => {
    expect(ofPoison(reports)).toEqual([]);
  });

  it("an item that kills its worker is told if a neighbour is null in its place", () => {
    expect(ofPoison(reports.with(reports.length - 1, joined(NULL, NULL)))).toMatchObject([{ task: "item" }]);
  });

  it("an item that kills its worker is told if something else than null stands in its place", () => {
    expect(ofPoison(reports.with(reports.length - 1, joined("A", "B")))).toMatchObject([{ task: "item" }]);
  });
});

function itemOf(index: number, read: string, passed: string): ItemReport {
  return { run: "run_1", task: "item", attempt: 1, event: "item", index, read, passed };
}

function joined(...items: readonly string[]): ItemReport {
  return { run: "run_1", task: "end", attempt: 2, event: "joined", items: [...items] };
}
