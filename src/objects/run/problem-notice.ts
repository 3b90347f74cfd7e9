/**
 * Reports a run that this code cannot read to the catalog, so that lists show the run with its
 * problem while the object refuses calls. Only the beginning of the journal is needed. If the
 * beginning is unreadable too, the run's dead letter is the only report.
 */
import type { RunProblem, RunSummary } from "../../domain/run/summary.ts";
import { isUnreadableRun } from "../../domain/run/unreadable-run.ts";
import { isNewerFormat } from "../../domain/version.ts";
import type { TellCatalog } from "./catalog-reporter.ts";
import type { RunStore } from "./journal.ts";

/** Revision below the first regular report (0): any regular report wins. */
const BEFORE_ALL = -1;

export interface NoticeSurroundings {
  /** Current time, epoch milliseconds. */
  now(): number;
  readonly tellCatalog: TellCatalog;
  notTold(error: unknown): void;
}

export class ProblemNotice {
  readonly #store: Pick<RunStore, "beginning">;
  readonly #around: NoticeSurroundings;
  /** Problem last reported in this life of the object. */
  #known: RunProblem | null = null;

  constructor(store: Pick<RunStore, "beginning">, around: NoticeSurroundings) {
    this.#store = store;
    this.#around = around;
  }

  /** Reports an unreadable run. Never rejects: the next alarm repeats the report. */
  async tell(error: unknown): Promise<void> {
    const problem = problemOf(error);
    if (problem === null || problem === this.#known) return;
    const summary = this.#summary(problem);
    if (summary === null) return;
    try {
      await this.#around.tellCatalog(summary, true);
      this.#known = problem;
    } catch (failure) {
      this.#around.notTold(failure);
    }
  }

  #summary(problem: RunProblem): RunSummary | null {
    const beginning = this.#store.beginning();
    if (beginning === null) return null;
    const { id, task, origin, createdAt } = beginning;
    const { source, by, parent } = origin;
    return {
      id,
      task,
      revision: BEFORE_ALL,
      status: "queued",
      source,
      by,
      parent: parent === null ? null : { runId: parent.runId, task: parent.task },
      createdAt,
      startedAt: null,
      finishedAt: null,
      forgetAt: null,
      failedTasks: [],
      attempts: {},
      problem,
      foundAt: this.#around.now(),
    };
  }
}

/** Returns null if the error does not concern the run itself. */
function problemOf(error: unknown): RunProblem | null {
  if (isNewerFormat(error)) return "awaits_deploy";
  return isUnreadableRun(error) ? "run_unreadable" : null;
}
