/**
 * Completes an external task by hand: with an output, or as failed with a reason.
 *
 * API calls:
 * - `GET /tasks/TASK`: the schema of the output.
 * - `POST /runs/ID/tasks/TASK/complete`: the completion.
 */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useId } from "preact/hooks";
import { post, problemOf } from "../api.ts";
import type { DeployedTask } from "../../contract/tasks.ts";
import type { ShownProblem } from "../shown-problem.ts";
import { ActionButton } from "../parts/button.tsx";
import { Chips } from "../parts/chips.tsx";
import { Dialog, DialogFoot } from "../parts/dialog.tsx";
import { useGet } from "../parts/load.ts";
import { Loading, Problem } from "../parts/states.tsx";
import { tell } from "../parts/toasts.tsx";
import { JsonEditor } from "../triggers/json-editor.tsx";
import { checkJson, exampleOf } from "../triggers/schema-check.ts";

/** The longest message that the API stores, in characters. */
const MAX_MESSAGE = 4_096;

/** Properties of the dialog. */
export interface CompleteDialogProps {
  readonly runId: string;
  readonly task: string;
  readonly onClose: () => void;
}

/**
 * A dialog that checks the output against the task's schema as it is typed. A refusal of the API is
 * shown in the dialog, where the input can be corrected.
 */
export function CompleteDialog({ runId, task, onClose }: CompleteDialogProps): JSX.Element {
  const id = useId();
  const hasFailed = useSignal(false);
  const message = useSignal("");
  const edited = useSignal<string | null>(null);
  const refusal = useSignal<ShownProblem | null>(null);
  // The schema may be missing, for example if a later deploy removed the task. The API then checks
  // alone.
  const { data, problem } = useGet<DeployedTask>(`/tasks/${encodeURIComponent(task)}`);
  const isKnown = data.value !== null || problem.value !== null;
  const schema = data.value?.output_schema ?? null;
  const text = edited.value ?? JSON.stringify(exampleOf(schema), null, 2);
  const isWrong = hasFailed.value
    ? message.value.trim() === ""
    : !isKnown || checkJson(text, schema).state === "wrong";
  /** Sends the completion. The dialog stays open after a refusal. */
  const complete = async (): Promise<void> => {
    refusal.value = null;
    // The payload is sent as typed. Parsing and serialising would change numbers beyond 2^53.
    const body = hasFailed.value
      ? JSON.stringify({ status: "failed", error: { message: message.value.trim() } })
      : `{"status": "succeeded", "payload": ${text}}`;
    try {
      await post(`/runs/${encodeURIComponent(runId)}/tasks/${encodeURIComponent(task)}/complete`, {
        body,
        contentType: "application/json",
      });
    } catch (error) {
      refusal.value = problemOf(error);
      return;
    }
    onClose();
    tell(hasFailed.value ? "The attempt has failed." : "The task is completed.");
  };
  return (
    <Dialog title={`Complete ${task}`} onClose={onClose}>
      <Chips
        label="What it came to"
        names={["Succeeded", "Failed"]}
        isPressed={(name) => hasFailed.value === (name === "Failed")}
        onPress={(name) => (hasFailed.value = name === "Failed")}
      />
      {hasFailed.value ? (
        <div class="field">
          <label for={`${id}-message`}>Why it has failed</label>
          <textarea
            id={`${id}-message`}
            rows={4}
            maxLength={MAX_MESSAGE}
            value={message.value}
            onInput={(event) => (message.value = event.currentTarget.value)}
          />
          <p class="muted small">
            It is a failure like any other: with <code>retries</code> left, the task asks again.
          </p>
        </div>
      ) : isKnown ? (
        <JsonEditor
          label="What it passes"
          text={text}
          schema={schema}
          fits="It fits what the task passes"
          onInput={(value) => (edited.value = value)}
        />
      ) : (
        <Loading lines={4} label="what the task passes" />
      )}
      {refusal.value !== null && <Problem problem={refusal.value} />}
      <DialogFoot keep="Not yet" onClose={onClose}>
        <ActionButton
          tone={hasFailed.value ? "danger" : "main"}
          icon={hasFailed.value ? "ban" : "check"}
          disabled={isWrong}
          action={complete}
        >
          {hasFailed.value ? "Complete as failed" : "Complete as succeeded"}
        </ActionButton>
      </DialogFoot>
    </Dialog>
  );
}
