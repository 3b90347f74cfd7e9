/**
 * Starts a replay: a new run with the recorded payload or another one, from the beginning or from a
 * task.
 *
 * API calls:
 * - `GET /runs/ID/payload`: the recorded payload, if it is JSON of at most 256 KiB.
 * - `GET /tasks/TASK`: the schema of the input.
 * - `POST /runs/ID/replay`: starts the run, which is then opened.
 */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useId } from "preact/hooks";
import { getBytes, payloadPath, post } from "../api.ts";
import type { DeployedTask } from "../../contract/tasks.ts";
import type { RunReference } from "../../contract/values.ts";
import { navigate } from "../location.ts";
import { ActionButton } from "../parts/button.tsx";
import { Dialog, DialogFoot } from "../parts/dialog.tsx";
import { useGet } from "../parts/load.ts";
import { viewerOf } from "../parts/payload-kind.ts";
import { Loading } from "../parts/states.tsx";
import { tell } from "../parts/toasts.tsx";
import { runPath } from "../routes.ts";
import { JsonEditor } from "../triggers/json-editor.tsx";
import { checkJson } from "../triggers/schema-check.ts";

/** The largest payload that can be edited in the page. */
const EDITABLE_BYTES = 262_144;

/** Properties of the dialog. */
export interface ReplayDialogProps {
  readonly runId: string;
  /** The root task of the run. */
  readonly task: string;
  /** The tasks that a replay can begin with. */
  readonly tasks: readonly string[];
  /** The task that is chosen at first; null for the root. */
  readonly from: string | null;
  readonly onClose: () => void;
}

/**
 * A dialog that edits a JSON payload. Other payloads are replayed unchanged. A replay from a later
 * task reads recorded outputs, so its payload cannot be edited.
 */
export function ReplayDialog({
  runId,
  task,
  tasks,
  from,
  onClose,
}: ReplayDialogProps): JSX.Element {
  const selectId = useId();
  const start = useSignal(from);
  const recorded = useSignal<string | null | undefined>(undefined);
  const edited = useSignal<string | null>(null);
  const { data } = useGet<DeployedTask>(`/tasks/${encodeURIComponent(task)}`);
  useEffect(() => {
    const aborter = new AbortController();
    readRecorded(runId, aborter.signal).then(
      (text) => (recorded.value = text),
      () => (recorded.value = null),
    );
    return () => aborter.abort();
  }, [runId, recorded]);
  const text = edited.value ?? recorded.value ?? "";
  // An unedited payload is not sent: the server replays the recorded bytes.
  const isEdited = edited.value !== null && edited.value !== recorded.value;
  const canEdit = start.value === null && typeof recorded.value === "string";
  const schema = data.value?.input_schema ?? null;
  const isWrong = canEdit && isEdited && checkJson(text, schema).state === "wrong";
  /** Starts the replay and opens the new run. */
  const replay = async (): Promise<void> => {
    const query = start.value === null ? "" : `?from=${encodeURIComponent(start.value)}`;
    const body = canEdit && isEdited ? { body: text, contentType: "application/json" } : {};
    const started = await post<RunReference>(
      `/runs/${encodeURIComponent(runId)}/replay${query}`,
      body,
    );
    onClose();
    tell("A new run has been started.");
    navigate(runPath(started.run_id));
  };
  return (
    <Dialog title="Replay" onClose={onClose}>
      <div class="field">
        <label for={selectId}>From</label>
        <select
          id={selectId}
          value={start.value ?? ""}
          onChange={(event) => (start.value = event.currentTarget.value || null)}
        >
          <option value="">the beginning ({task})</option>
          {tasks
            .filter((name) => name !== task)
            .map((name) => (
              <option key={name} value={name}>
                {name}, with what it had read
              </option>
            ))}
        </select>
      </div>
      {start.value !== null ? (
        <p class="muted">
          A new run begins with this task and reads what its upstream tasks had passed.
        </p>
      ) : recorded.value === undefined ? (
        <Loading lines={4} label="the payload" />
      ) : recorded.value === null ? (
        <p class="muted">
          The payload is not JSON, or too large to be edited here: it is replayed as it was.
        </p>
      ) : (
        <JsonEditor
          label="Payload"
          text={text}
          schema={schema}
          onInput={(value) => (edited.value = value)}
          rows={14}
        />
      )}
      <DialogFoot keep="Keep it" onClose={onClose}>
        <ActionButton
          tone="main"
          icon="retry"
          disabled={isWrong || recorded.value === undefined}
          action={replay}
        >
          {isEdited && canEdit ? "Replay with this payload" : "Replay"}
        </ActionButton>
      </DialogFoot>
    </Dialog>
  );
}

/** Reads the recorded payload as indented JSON. Returns null if it is not JSON or too large. */
async function readRecorded(runId: string, signal: AbortSignal): Promise<string | null> {
  const response = await getBytes(payloadPath(runId, null), EDITABLE_BYTES + 1, signal);
  const text = await response.text();
  if (
    viewerOf(response.headers.get("Content-Type") ?? "") !== "json" ||
    text.length > EDITABLE_BYTES
  )
    return null;
  return JSON.stringify(JSON.parse(text), null, 2);
}
