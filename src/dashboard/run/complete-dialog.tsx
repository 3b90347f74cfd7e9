/** A dialog in which a task that waits is completed: approved or rejected, with a note. */
import type { JSX } from "preact";
import { Dialog } from "../parts/dialog.tsx";
import { DecisionForm } from "./decision-form.tsx";

/** Properties of the dialog. */
export interface CompleteDialogProps {
  readonly runId: string;
  readonly task: string;
  readonly onClose: () => void;
}

/** The dialog. It stays open after a refusal of the API. */
export function CompleteDialog({ runId, task, onClose }: CompleteDialogProps): JSX.Element {
  return (
    <Dialog title={`Complete ${task}`} onClose={onClose}>
      <DecisionForm runId={runId} task={task} onDone={onClose} />
    </Dialog>
  );
}
