/** Applies a completion report of an external attempt, and answers the caller. */
import { completionStatusOf } from "../../domain/run/external-task.ts";
import { entryOf, type Run } from "../../domain/run/state.ts";
import type { Completion } from "../../domain/run/machine-events.ts";
import { refuseNewer } from "../../domain/version.ts";
import { placeCompletion } from "./store-settlement.ts";
import type { JournalBytes } from "./journal-bytes.ts";
import { taskStatusOf } from "./run-document.ts";
import type { CompletionAnswer, CompletionReport } from "./completion-rpc.ts";

/** Lets `take` decide the report and returns the result. A repeated report counts once. */
export function applyCompletion(
  run: Run,
  { outcome, v = 1, ...lease }: CompletionReport,
  data: JournalBytes,
  take: (completion: Completion) => void,
): CompletionAnswer {
  refuseNewer({ v }, "the completion of a task");
  const { ordinal, attempt, token, nonce } = lease;
  const placed =
    outcome.type === "failed"
      ? outcome
      : ({ type: "succeeded", passed: placeCompletion(outcome, data) } as const);
  take({ ...lease, outcome: placed });
  const standing = completionStatusOf(run, ordinal, attempt, token);
  const isOurs = entryOf(run, ordinal)?.attempts[attempt - 1]?.completedBy === nonce;
  const status = taskStatusOf(entryOf(run, ordinal));
  return { standing: isOurs ? "completed_now" : standing === "open" ? "over" : standing, status };
}
