/**
 * Approve and Reject for a task that waits to be completed, with a note.
 *
 * API calls:
 * - `GET /tasks/TASK`: the schema of the output.
 * - `POST /runs/ID/tasks/TASK/complete`: the decision.
 *
 * An approval passes what the schema asks for; its text can be edited. A rejection passes the same
 * with the opposite verdict, where the schema has one. Otherwise the attempt fails with the note.
 */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useId } from "preact/hooks";
import type { DeployedTask } from "../../contract/tasks.ts";
import { post, problemOf } from "../api.ts";
import { decisionValue, restOf, shapeOf } from "../decision.ts";
import { ActionButton } from "../parts/button.tsx";
import { useGet } from "../parts/load.ts";
import { Loading, Problem } from "../parts/states.tsx";
import { tell } from "../parts/toasts.tsx";
import { session } from "../session.ts";
import type { ShownProblem } from "../shown-problem.ts";
import { JsonEditor } from "../triggers/json-editor.tsx";
import { checkJson } from "../triggers/schema-check.ts";
import { SchemaForm } from "../triggers/schema-form.tsx";

/** The longest message that the API stores, in characters. */
const MAX_MESSAGE = 4_096;

/** Properties of the form. `onDone` is called after the decision. */
export interface DecisionFormProps {
  readonly runId: string;
  readonly task: string;
  readonly onDone: () => void;
}

/** The form. A refusal of the API is shown in it, where the input can be corrected. */
export function DecisionForm({ runId, task, onDone }: DecisionFormProps): JSX.Element {
  // The schema may be missing, for example if a later deploy removed the task. The API then checks
  // alone.
  const { data, problem } = useGet<DeployedTask>(`/tasks/${encodeURIComponent(task)}`);
  if (data.value === null && problem.value === null)
    return <Loading lines={3} label="what the task passes" />;
  return (
    <Form runId={runId} task={task} schema={data.value?.output_schema ?? null} onDone={onDone} />
  );
}

/** The fields and buttons, once the schema is known. */
function Form({
  runId,
  task,
  schema,
  onDone,
}: DecisionFormProps & { readonly schema: DeployedTask["output_schema"] }): JSX.Element {
  const id = useId();
  const note = useSignal("");
  const rest = useSignal(JSON.stringify(restOf(schema), null, 2));
  const edited = useSignal<string | null>(null);
  const refusal = useSignal<ShownProblem | null>(null);
  const { verdict, fields } = shapeOf(schema);
  const person = session.value?.name ?? "";
  const valueOf = (isApproved: boolean): string =>
    JSON.stringify(
      decisionValue(schema, isApproved, note.value.trim(), person, objectOf(rest.value)),
      null,
      2,
    );
  const text = edited.value ?? valueOf(true);
  const checked = checkJson(text, schema);
  /** Sends the decision. The form stays after a refusal. */
  const send = async (body: string, told: string): Promise<void> => {
    refusal.value = null;
    try {
      await post(`/runs/${encodeURIComponent(runId)}/tasks/${encodeURIComponent(task)}/complete`, {
        body,
        contentType: "application/json",
      });
    } catch (error) {
      refusal.value = problemOf(error);
      return;
    }
    tell(told);
    onDone();
  };
  // The payload is sent as typed. Parsing and serialising would change numbers beyond 2^53.
  const approve = (): Promise<void> =>
    send(`{"status": "succeeded", "payload": ${text}}`, `${task} is approved.`);
  const reject = (): Promise<void> => {
    const value = valueOf(false);
    if (verdict !== null && edited.value === null && checkJson(value, schema).state === "fits")
      return send(`{"status": "succeeded", "payload": ${value}}`, `${task} is rejected.`);
    const message = note.value.trim() || `Rejected by ${person}`;
    return send(
      JSON.stringify({ status: "failed", error: { message } }),
      `${task} is rejected: the attempt has failed.`,
    );
  };
  return (
    <div class="decision">
      {fields.length > 0 && edited.value === null && (
        <SchemaForm
          fields={fields}
          text={rest.value}
          checked={checked}
          onInput={(value) => (rest.value = value)}
        />
      )}
      <div class="field">
        <label for={`${id}-note`}>Note</label>
        <textarea
          id={`${id}-note`}
          rows={2}
          maxLength={MAX_MESSAGE}
          placeholder="Why, for whoever reads it later"
          value={note.value}
          onInput={(event) => (note.value = event.currentTarget.value)}
        />
      </div>
      <details class="decision-sent">
        <summary>What an approval passes</summary>
        <JsonEditor
          label="What it passes"
          text={text}
          schema={schema}
          fits="It fits what the task passes"
          rows={6}
          onInput={(value) => (edited.value = value)}
        />
      </details>
      {refusal.value !== null && <Problem problem={refusal.value} />}
      <div class="decision-buttons">
        <ActionButton
          tone="main"
          icon="check"
          disabled={checked.state === "wrong"}
          action={approve}
        >
          Approve
        </ActionButton>
        <ActionButton tone="danger" icon="ban" action={reject}>
          Reject
        </ActionButton>
        <span class="muted small">
          {verdict === null
            ? "A rejection fails the attempt: with retries left, the task asks again."
            : "The tasks that follow read the decision."}
        </span>
      </div>
    </div>
  );
}

/** The object of a text; empty for any other text. */
function objectOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
