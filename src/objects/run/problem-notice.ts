/**
 * Tells the catalogue of a run that this code cannot read: lists show it with what is the matter, while its object only refuses calls.
 * All that is needed of the journal is how it begins; where not even that can be read, the dead letter of the run has to do.
 */
import type { RunProblem, RunSummary } from "../../domain/run/summary.ts";
import { isUnreadableRun } from "../../domain/run/unreadable-run.ts";
import { isNewerFormat } from "../../domain/version.ts";
import type { TellCatalog } from "./catalog-reporter.ts";
import type { RunStore } from "./journal.ts";

/** A run tells itself from revision 0 on: whatever it has told stands, or comes later. */
const BEFORE_ALL = -1;

export interface NoticeSurroundings {
  /** Epoch milliseconds. */
  now(): number;
  readonly tellCatalog: TellCatalog;
  notTold(error: unknown): void;
}

export class ProblemNotice {
  readonly #store: Pick<RunStore, "beginning">;
  readonly #around: NoticeSurroundings;
  /** What the catalogue knows, of what this life of the object has told. */
  #known: RunProblem | null = null;

  constructor(store: Pick<RunStore, "beginning">, around: NoticeSurroundings) {
    this.#store = store;
    this.#around = around;
  }

  /** The run could not be read. Never rejects: the next alarm tells it again. */
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

/** Null: the run is not what is the matter. */
function problemOf(error: unknown): RunProblem | null {
  if (isNewerFormat(error)) return "awaits_deploy";
  return isUnreadableRun(error) ? "run_unreadable" : null;
}
