/**
 * Reports a run that this code cannot read to the catalog, so that lists show the run with its
 * problem while the object refuses calls. Only the beginning of the journal is needed. If the
 * beginning is unreadable too, the run's dead letter is the only report.
 */
import type { RunProblem, RunSummary } from "../../domain/run/summary.ts";
import { isUnreadableRun } from "../../domain/run/unreadable-run.ts";
import { isNewerFormat } from "../../domain/version.ts";
import type { ReportToCatalog } from "./catalog-reporter.ts";
import type { Journal } from "./journal.ts";

/** Revision below the first regular report (0): any regular report wins. */
const BEFORE_ALL = -1;

/** Dependencies of a problem notice. */
export interface NoticeHost {
  /** Current time, epoch milliseconds. */
  now(): number;
  readonly reportToCatalog: ReportToCatalog;
  reportFailed(error: unknown): void;
}

export class ProblemNotice {
  readonly #journal: Pick<Journal, "beginning">;
  readonly #host: NoticeHost;
  /** Problem last reported in this life of the object. */
  #known: RunProblem | null = null;

  constructor(journal: Pick<Journal, "beginning">, host: NoticeHost) {
    this.#journal = journal;
    this.#host = host;
  }

  /** Reports an unreadable run. Never rejects: the next alarm repeats the report. */
  async tell(error: unknown): Promise<void> {
    const problem = problemOf(error);
    if (problem === null || problem === this.#known) return;
    const summary = this.#summary(problem);
    if (summary === null) return;
    try {
      await this.#host.reportToCatalog(summary, true);
      this.#known = problem;
    } catch (failure) {
      this.#host.reportFailed(failure);
    }
  }

  #summary(problem: RunProblem): RunSummary | null {
    const beginning = this.#journal.beginning();
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
      foundAt: this.#host.now(),
    };
  }
}

/** Returns null if the error does not concern the run itself. */
function problemOf(error: unknown): RunProblem | null {
  if (isNewerFormat(error)) return "awaits_deploy";
  return isUnreadableRun(error) ? "run_unreadable" : null;
}
