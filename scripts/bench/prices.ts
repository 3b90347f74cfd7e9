/**
 * The price of a run at Cloudflare's list prices (November 2026), beyond the included volumes.
 * Counts the operations that are billed each. Leaves out CPU time ($0.02 a million milliseconds)
 * and storage, which depend on the tasks.
 */

/** Dollars a million. */
const PRICES = {
  rowsWritten: 1.0,
  objectRequests: 0.15,
  queueOperations: 0.4,
  workerRequests: 0.3,
  r2ClassA: 4.5,
  r2ClassB: 0.36,
} as const;

/**
 * A step of Cloudflare Workflows, for comparison: its own price, without the surrounding requests.
 * Dollars a million.
 */
export const WORKFLOW_STEP_PRICE = 8.0;

/** The budget: dollars per million task runs on the 4-task diamond with 1 KB payloads. */
export const MAX_DOLLARS_PER_MILLION_TASKS = 4.5;

export interface RunOperations {
  /** Table rows and index rows; setting an alarm counts one. */
  readonly rowsWritten: number;
  /** Calls of an object (a session counts one), and alarms that fired. */
  readonly objectRequests: number;
  /** A message costs three: written, read, deleted. */
  readonly queueOperations: number;
  /** HTTP requests and consumed batches; calls of a loopback entrypoint are free. */
  readonly workerRequests: number;
  /** put, list, create a multipart upload. */
  readonly r2ClassA: number;
  /** get, head. */
  readonly r2ClassB: number;
}

export const PRICED = [
  "rowsWritten",
  "objectRequests",
  "queueOperations",
  "workerRequests",
  "r2ClassA",
  "r2ClassB",
] as const;

/** Dollars per million task runs, for runs of `tasks` tasks with these operations. */
export function dollarsPerMillionTasks(run: RunOperations, tasks: number): number {
  return (
    PRICED.reduce((dollars, operation) => dollars + run[operation] * PRICES[operation], 0) / tasks
  );
}
