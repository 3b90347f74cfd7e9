/**
 * The named events with their tasks, and a form to emit one.
 *
 * API calls:
 * - `POST /events/NAME`: emits an event and returns the started runs.
 *
 * The events are collected from the tasks, since peach.conf declares them nowhere else.
 */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { post } from "../api.ts";
import type { DeployedTask } from "../../contract/tasks.ts";
import type { RunReference } from "../../contract/values.ts";
import { ActionButton } from "../parts/button.tsx";
import { Choices } from "../parts/choices.tsx";
import { TextField } from "../parts/text-field.tsx";
import { runPath } from "../routes.ts";
import { mayTrigger } from "../session.ts";
import { JsonEditor } from "./json-editor.tsx";
import { checkJson } from "./schema-check.ts";

/**
 * Lists the events and shows the form. `name` is the event to emit. Events without a task can be
 * emitted too and start nothing.
 */
export function EventsView({
  tasks,
  name,
}: {
  readonly tasks: readonly DeployedTask[];
  readonly name: string | null;
}): JSX.Element {
  const events = new Map<string, string[]>();
  for (const { task, on } of tasks)
    for (const event of on.events) events.set(event, [...(events.get(event) ?? []), task]);
  const chosen = name ?? events.keys().next().value ?? "";
  return (
    <div class="split">
      <Choices
        label="Events"
        section="events"
        entries={[...events].map(([event, listeners]) => ({
          name: event,
          note: `triggers ${listeners.join(", ")}`,
        }))}
        chosen={chosen}
      >
        {events.size === 0 && (
          <li class="choice muted">
            No task listens. <code>on: {"{event: NAME}"}</code> in peach.conf lets one.
          </li>
        )}
      </Choices>
      <EmitForm key={chosen} event={chosen} />
    </div>
  );
}

/** The form to emit an event. The started runs are linked below it. */
function EmitForm({ event }: { readonly event: string }): JSX.Element {
  const name = useSignal(event);
  const text = useSignal("{}");
  const started = useSignal<readonly RunReference[] | null>(null);
  /** Emits the event and shows the started runs. */
  const emit = async (): Promise<void> => {
    started.value = null;
    const answer = await post<{ readonly runs: readonly RunReference[] }>(
      `/events/${encodeURIComponent(name.value.trim())}`,
      { body: text.value, contentType: "application/json" },
    );
    started.value = answer.runs;
  };
  const isWrong = name.value.trim() === "" || checkJson(text.value, null).state === "wrong";
  return (
    <section class="card form" aria-label="Emit an event">
      <h2>Emit an event</h2>
      <TextField label="Name" text={name} placeholder="audio.published" />
      <JsonEditor
        label="Payload"
        text={text.value}
        schema={null}
        onInput={(value) => (text.value = value)}
      />
      <footer class="form-foot">
        <div aria-live="polite" class="children">
          {started.value !== null &&
            (started.value.length === 0 ? (
              <span class="muted">Nobody listens: nothing was started.</span>
            ) : (
              started.value.map(({ run_id, task }) => (
                <a key={run_id} class="tag" href={runPath(run_id)}>
                  {task}
                </a>
              ))
            ))}
        </div>
        <span class="spacer" />
        <ActionButton tone="main" icon="event" disabled={isWrong || !mayTrigger()} action={emit}>
          Emit
        </ActionButton>
      </footer>
    </section>
  );
}
