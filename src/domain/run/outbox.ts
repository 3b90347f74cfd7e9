/** How a debt of a run comes to be, and when it is due (see owed.ts). */
import type { ChangeNotes } from "./change-builder.ts";
import type { Debt, FailedTask, Owed, Run, TaskChange } from "./state.ts";

/** If nobody has acknowledged it by then, it is paid again. */
export const FIRST_PAUSE_MS = 10_000;

/** So many failed tasks stand in a summary. */
const LISTED_FAILURES = 100;

/** What is owed from now on; `before`: how many debts there were. */
export function newOwed(debt: Debt, before: number, now: number): Owed {
  return { id: before + 1, debt, tries: 1, dueAt: now + FIRST_PAUSE_MS };
}

/** When the next debt is due that nobody has acknowledged; Infinity if none is. */
export function owedAt({ owed }: Pick<Run, "owed">): number {
  return owed.reduce(
    (soonest, { dueAt, parked }) => (parked === true ? soonest : Math.min(soonest, dueAt)),
    Number.POSITIVE_INFINITY,
  );
}

/** The run has failed: somebody is to be told, if peach.conf names a task for that. `changes`: by ordinal, what it does not have yet. */
export function oweAlert(
  run: Run,
  notes: ChangeNotes,
  changes: ReadonlyMap<number, TaskChange>,
  times: { readonly startedAt: number | null; readonly finishedAt: number },
): void {
  if (run.graph.onFailure === undefined) return;
  const failed = run.tasks.flatMap((entry, ordinal): FailedTask[] => {
    const change = changes.get(ordinal);
    const state = change?.state ?? entry.state;
    if (state.status !== "failed") return [];
    const attempts = (change?.attempts ?? []).reduce(
      (most, { attempt }) => Math.max(most, attempt),
      entry.attempts.length,
    );
    return [{ ordinal, reason: state.reason, attempts }];
  });
  const debt: Debt = { type: "alert", ...times, failed: failed.slice(0, LISTED_FAILURES) };
  notes.owe(newOwed(debt, run.owedEver, times.finishedAt));
}
