/**
 * Checks the items of `each` tasks against the array made for them and against the outputs read in
 * the end.
 */
import { createHash } from "node:crypto";
import type { Report, RunDocument, TaskDocument } from "./history.ts";

export type ItemReport = Extract<Report, { event: "made" | "item" | "joined" }>;

interface Found {
  readonly task: string;
  readonly detail: string;
}

/**
 * Checks that each item reads an output of an accepted attempt: of the task that made the array, or
 * of the item before it. The attempt itself is not identified: all readers of an item must have
 * read the same output, and it must have been passed.
 */
export function checkItems(
  document: RunDocument,
  reports: readonly ItemReport[],
  failing: Readonly<Record<string, readonly number[]>> = {},
): Found[] {
  return document.tasks.flatMap((task) =>
    task.each === undefined || document.status !== "succeeded"
      ? []
      : ofTask(document, task, task.each, reports, failing[task.task] ?? []),
  );
}

/** SHA-256 of `null`, which replaces a failed item. */
const NOTHING = createHash("sha256").update("null").digest("hex");

function ofTask(
  document: RunDocument,
  { task, upstream }: TaskDocument,
  { total, succeeded, failed }: NonNullable<TaskDocument["each"]>,
  reports: readonly ItemReport[],
  failing: readonly number[],
): Found[] {
  const found: Found[] = [];
  if (total !== succeeded + failing.length || failed !== failing.length || total === 0)
    found.push({
      task,
      detail: `${succeeded} of ${total} items have succeeded, ${failed} have failed`,
    });
  const parent = document.tasks.find((entry) => entry.task === upstream[0]);
  const accepted = parent?.attempts.find(({ status }) => status === "succeeded")?.attempt;
  for (let index = 0; index < total; index += 1) {
    if (failing.includes(index)) {
      for (const joined of readersOf(document, task, reports)) {
        if (joined.items[index] !== NOTHING)
          found.push({
            task,
            detail: `${joined.task} read ${joined.items[index]} as item ${index}, which has failed`,
          });
      }
      continue;
    }
    const own = reports.flatMap((report) =>
      report.event === "item" && report.task === task && report.index === index ? [report] : [],
    );
    const due = new Set(
      reports.flatMap((report): string[] => {
        if (report.task !== parent?.task) return [];
        if (report.event === "made" && report.attempt === accepted)
          return [report.items[index] ?? "nothing"];
        return report.event === "item" && report.index === index ? [report.passed] : [];
      }),
    );
    const read = new Set(own.map((report) => report.read));
    if (own.length === 0) found.push({ task, detail: `item ${index} never ran` });
    else if (read.size !== 1 || ![...read].every((digest) => due.has(digest)))
      found.push({
        task,
        detail: `item ${index} read ${[...read].join(", ")}; passed was ${[...due].join(", ")}`,
      });
    for (const joined of readersOf(document, task, reports)) {
      const digest = joined.items[index] ?? "nothing";
      if (joined.items.length !== total || !own.some(({ passed }) => passed === digest))
        found.push({
          task,
          detail: `${joined.task} read ${digest} as item ${index} of ${joined.items.length}`,
        });
    }
  }
  return found;
}

function readersOf(document: RunDocument, task: string, reports: readonly ItemReport[]) {
  const children = document.tasks
    .filter(({ upstream }) => upstream.includes(task))
    .map((child) => child.task);
  return reports.flatMap((report) =>
    report.event === "joined" && children.includes(report.task) ? [report] : [],
  );
}
