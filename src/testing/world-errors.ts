/** Errors of a world that cannot come to rest. */
import type { AuthorCalls } from "./author-code.ts";

/** The error of code that waits for an event outside of the world. */
export class WaitingOutsideError extends Error {
  override readonly name = "WaitingOutsideError";

  constructor(calls: AuthorCalls["outside"], patienceMs: number) {
    const names = calls.map(({ name }) => name).join(", ");
    const verb = calls.length === 1 ? "waits" : "wait";
    super(
      `${names} ${verb} for something outside of the test's clock for ${patienceMs} ms: a connection, a file, a promise that nobody settles. Mock it, let it end, or give the test more \`patience\`.`,
    );
  }
}

/** The error of a world in which events follow each other without an end. */
export class NeverAtRestError extends Error {
  override readonly name = "NeverAtRestError";

  constructor(events: number) {
    super(
      `after ${events} events the pipelines are not at rest: do two tasks trigger each other, or does one wait without a time?`,
    );
  }
}
