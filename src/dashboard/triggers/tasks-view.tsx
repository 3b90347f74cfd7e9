/**
 * The tasks, and a form to trigger one.
 *
 * API calls:
 * - `POST /tasks/TASK/trigger`, with `delay` and `Idempotency-Key` if given.
 * - `POST /tasks/TASK/pause` and `/resume`.
 *
 * The payload starts with an example made from the task's schema.
 */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { post } from "../api.ts";
import type { AcceptedTrigger } from "../../contract/run.ts";
import type { DeployedTask } from "../../contract/tasks.ts";
import { curlOf } from "../curl.ts";
import { navigate } from "../location.ts";
import { ActionButton, copyText } from "../parts/button.tsx";
import { Chips } from "../parts/chips.tsx";
import { Choices } from "../parts/choices.tsx";
import { Icon } from "../parts/icon.tsx";
import { TextField } from "../parts/text-field.tsx";
import { Time } from "../parts/time.tsx";
import { tell } from "../parts/toasts.tsx";
import { NoSuch } from "../parts/states.tsx";
import { runPath } from "../routes.ts";
import { mayOperate, mayTrigger } from "../session.ts";
import { JsonEditor } from "./json-editor.tsx";
import { checkJson, exampleOf, fieldsOf } from "./schema-check.ts";
import { SchemaForm } from "./schema-form.tsx";

/** The number of upstream tasks that a note names. */
const MOST_NAMES = 3;

/**
 * Lists all tasks and shows the form of one. A task in the middle of a pipeline can be triggered
 * too.
 */
export function TasksView({
  tasks,
  name,
}: {
  readonly tasks: readonly DeployedTask[];
  readonly name: string | null;
}): JSX.Element {
  const chosen = name === null ? tasks[0] : tasks.find(({ task }) => task === name);
  return (
    <div class="split">
      <Choices
        label="Tasks"
        section="tasks"
        // Root tasks first: most users trigger these.
        entries={tasks
          .toSorted((a, b) => Math.min(1, a.upstream.length) - Math.min(1, b.upstream.length))
          .map(({ task, description, upstream }) => ({
            name: task,
            note: description ?? (upstream.length === 0 ? "root task" : placeOf(upstream)),
          }))}
        chosen={chosen?.task}
      />
      {chosen !== undefined && <TriggerForm key={chosen.task} task={chosen} />}
      {chosen === undefined && name !== null && <NoSuch kind="task" name={name} />}
    </div>
  );
}

/** Names the first upstream tasks; a join may have hundreds. */
function placeOf(upstream: readonly string[]): string {
  const more = upstream.length > MOST_NAMES ? ` and ${upstream.length - MOST_NAMES} more` : "";
  return `after ${upstream.slice(0, MOST_NAMES).join(", ")}${more}`;
}

/**
 * The form of a task: payload, idempotency key and delay. The payload is written in a form if the
 * schema has properties, or as JSON; both edit the same text.
 */
function TriggerForm({ task }: { readonly task: DeployedTask }): JSX.Element {
  const schema = task.input_schema;
  const fields = fieldsOf(schema);
  const text = useSignal(JSON.stringify(exampleOf(schema), null, 2));
  const isForm = useSignal(fields !== null);
  const idempotencyKey = useSignal("");
  const delay = useSignal("");
  const paused = useSignal(task.paused ?? null);
  const checked = checkJson(text.value, schema);
  const path = `/tasks/${encodeURIComponent(task.task)}`;
  const query = delay.value.trim() === "" ? "" : `?delay=${encodeURIComponent(delay.value.trim())}`;
  /** Triggers the task and opens the run, also a known run of the same key. */
  const trigger = async (): Promise<void> => {
    const key = idempotencyKey.value.trim();
    const accepted = await post<AcceptedTrigger>(`${path}/trigger${query}`, {
      body: text.value,
      contentType: "application/json",
      ...(key === "" ? {} : { idempotencyKey: key }),
    });
    tell(
      accepted.deduplicated
        ? "This key has a run already: here it is."
        : "The run has been accepted.",
    );
    navigate(runPath(accepted.run_id));
  };
  // A paused task accepts triggers: its attempts wait until it is resumed.
  const pause = async (): Promise<void> => {
    const verb = paused.value === null ? "pause" : "resume";
    paused.value = (await post<DeployedTask>(`${path}/${verb}`)).paused ?? null;
    tell(verb === "pause" ? "Its attempts are held back." : "Its attempts start again.");
  };
  /** The same call as a command for a shell. */
  const curl = (): string =>
    curlOf({
      method: "POST",
      origin: location.origin,
      path: `/api/v1${path}/trigger${query}`,
      contentType: "application/json",
      body: text.value,
    });
  return (
    <section class="card form" aria-label={`Trigger ${task.task}`}>
      <header class="panel-head">
        <h2 class="ellipsis">{task.task}</h2>
        {paused.value !== null && (
          <span class="pill s-waiting" title={`by ${paused.value.by}`}>
            <Icon name="pause" size={12} /> paused <Time at={paused.value.at} />
          </span>
        )}
        <span class="spacer" />
        {mayOperate() && (
          <ActionButton icon={paused.value === null ? "pause" : "play"} action={pause}>
            {paused.value === null ? "Pause the task" : "Resume the task"}
          </ActionButton>
        )}
      </header>
      {fields !== null && (
        <Chips
          label="How to write the payload"
          names={["Form", "JSON"]}
          isPressed={(name) => isForm.value === (name === "Form")}
          onPress={(name) => (isForm.value = name === "Form")}
        />
      )}
      {fields !== null && isForm.value ? (
        <SchemaForm
          fields={fields}
          text={text.value}
          checked={checked}
          onInput={(value) => (text.value = value)}
        />
      ) : (
        <JsonEditor
          label="Payload"
          text={text.value}
          schema={schema}
          onInput={(value) => (text.value = value)}
        />
      )}
      {schema === null && (
        <p class="muted small">
          The task declares no input, so every JSON is taken. <code>task({"{input, run}"})</code>{" "}
          gives it a schema.
        </p>
      )}
      <div class="field-row">
        <TextField label="Idempotency key" text={idempotencyKey} placeholder="none" />
        <TextField label="Delay" text={delay} placeholder="none, or 30s, 5m, 2h" />
      </div>
      <footer class="form-foot">
        <ActionButton icon="copy" action={() => copyText(curl())}>
          Copy as curl
        </ActionButton>
        <span class="spacer" />
        <ActionButton
          tone="main"
          icon="triggers"
          disabled={checked.state === "wrong" || !mayTrigger(task.task, task.callable)}
          {...(mayTrigger(task.task, task.callable)
            ? {}
            : { title: "Your token may not trigger this task." })}
          action={trigger}
        >
          Trigger
        </ActionButton>
      </footer>
    </section>
  );
}
