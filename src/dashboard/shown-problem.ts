import type { ProblemDocument } from "../contract/problem.ts";

/**
 * A problem as the dashboard shows it: a document of the API, or a fault of the dashboard itself
 * (the worker is unreachable), which has no `type` and no request.
 */
export type ShownProblem = Omit<ProblemDocument, "type" | "request_id"> &
  Partial<Pick<ProblemDocument, "type" | "request_id">>;
