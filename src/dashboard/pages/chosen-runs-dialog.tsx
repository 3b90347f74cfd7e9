/**
 * Retries or cancels the chosen runs, after a question.
 *
 * API calls:
 * - `POST /runs/ID/retry` or `/cancel`, for each run.
 */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { RunSummary } from "../../contract/run-lists.ts";
import { post, problemOf } from "../api.ts";
import { formatPlural } from "../format.ts";
import { ActionButton } from "../parts/button.tsx";
import { Dialog, DialogFoot } from "../parts/dialog.tsx";
import { tell, tellProblem } from "../parts/toasts.tsx";
import type { BulkVerb } from "../run/bulk-dialog.tsx";

/** Calls under way at a time. */
const AT_ONCE = 6;

/** The texts by action. */
const WORDS = {
  retry: {
    title: "Retry the chosen runs?",
    text: "What failed runs again, with what follows it. What has succeeded is kept.",
    button: "Retry",
    done: "retried",
  },
  cancel: {
    title: "Cancel the chosen runs?",
    text: "What runs is told to end; what has not started never will. This cannot be undone.",
    button: "Cancel",
    done: "cancelled",
  },
} as const;

/** The dialog. A run that refuses stops none of the others; the first reason is shown. */
export function ChosenRunsDialog({
  verb,
  runs,
  onClose,
  onDone,
}: {
  readonly verb: BulkVerb;
  readonly runs: readonly RunSummary[];
  readonly onClose: () => void;
  readonly onDone: () => void;
}): JSX.Element {
  const progress = useSignal<number | null>(null);
  const words = WORDS[verb];
  const act = async (): Promise<void> => {
    let changed = 0;
    const refusals: unknown[] = [];
    const queue = [...runs];
    const work = async (): Promise<void> => {
      for (let run = queue.shift(); run !== undefined; run = queue.shift()) {
        try {
          await post(`/runs/${encodeURIComponent(run.run_id)}/${verb}`);
          changed += 1;
          progress.value = changed;
        } catch (error) {
          refusals.push(error);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    onClose();
    onDone();
    const refused = refusals.length === 0 ? "" : `, ${refusals.length} refused`;
    if (changed > 0) tell(`${formatPlural(changed, "run")} ${words.done}${refused}.`);
    else if (refusals.length > 0) tellProblem(new Error(problemOf(refusals[0]).detail));
  };
  return (
    <Dialog title={words.title} onClose={onClose}>
      <p>{words.text}</p>
      <DialogFoot keep="Close" onClose={onClose}>
        <ActionButton
          tone={verb === "cancel" ? "danger" : "main"}
          icon={verb === "cancel" ? "ban" : "retry"}
          action={act}
        >
          {progress.value === null
            ? `${words.button} ${formatPlural(runs.length, "run")}`
            : `${progress.value} ${words.done}…`}
        </ActionButton>
      </DialogFoot>
    </Dialog>
  );
}
