/**
 * The history of a run: the trigger, and every retry, cancellation, completion, pause and replay
 * with the name of the user. Refused calls are shown too.
 *
 * The run itself keeps the actions. Refused calls and replays come from the audit.
 *
 * API calls:
 * - `GET /audit`: the entries about this run, at most 200.
 */
import type { JSX } from "preact";
import type { AuditEntry, AuditPage } from "../../contract/audit.ts";
import type { HistoryEntry } from "../../contract/run.ts";
import { formatDuration } from "../format.ts";
import type { RunHead, RunModel } from "../live/run-model.ts";
import { useGet } from "../parts/load.ts";
import { Problem } from "../parts/states.tsx";
import { StatusPill } from "../parts/status.tsx";
import { Time } from "../parts/time.tsx";
import { actorText } from "./actor-text.ts";

/** The number of entries in the read. */
const LIMIT = 200;

/** The words for calls about a run. */
const CALLS: Readonly<Record<string, string>> = {
  cancelRun: "cancelled the run",
  retryRun: "retried the run",
  replayRun: "replayed the run",
  completeTask: "completed",
  completeByUrl: "completed",
};

/** A row of the history. */
interface Event {
  /** ISO 8601 in UTC. */
  readonly at: string;
  /** The name of the token or user, or `completion URL`. */
  readonly who: string;
  /** The action in words. */
  readonly text: string;
  /** The status of a refused call. */
  readonly refused: number | null;
}

/** Shows the history, oldest first. */
export function HistoryView({ model }: { readonly model: RunModel }): JSX.Element | null {
  const head = model.head.value;
  const query = new URLSearchParams({
    on: model.runId,
    limit: String(LIMIT),
    ...(head !== null && { since: head.created_at }),
  });
  const { data, problem, reload } = useGet<AuditPage>(
    head === null ? null : `/audit?${query}`,
    head?.finished_at === null ? 10_000 : undefined,
  );
  if (head === null) return null;
  const events = [
    ...ownEvents(head),
    ...(data.value?.entries ?? []).filter(isBeside).map((entry) => eventOf(entry, model.runId)),
  ].toSorted((a, b) => a.at.localeCompare(b.at));
  return (
    <>
      <ol class="history">
        {events.map(({ at, who, text, refused }, index) => (
          <li key={index}>
            <Time at={at} />
            <strong class="ellipsis">{who}</strong>
            <span>
              {text}
              {refused !== null && <span class="muted">, refused with {refused}</span>}
            </span>
          </li>
        ))}
        {head.finished_at !== null && (
          <li>
            <Time at={head.finished_at} />
            <StatusPill status={head.status} />
            <span class="muted">after {formatDuration(head.duration_ms ?? 0)} at work</span>
          </li>
        )}
      </ol>
      {problem.value !== null && <Problem problem={problem.value} onRetry={reload} />}
    </>
  );
}

/** The words for what was done to a run. */
const ACTIONS: Readonly<Record<HistoryEntry["what"], string>> = {
  triggered: "triggered the run",
  retried: "retried the run",
  cancelled: "cancelled the run",
  completed: "completed",
  paused: "paused",
};

/** The events that the run itself knows. */
function ownEvents({ trigger, history, started_at }: RunHead): readonly Event[] {
  const source = trigger.source === "api" ? "" : ` (${trigger.source.replaceAll("_", " ")})`;
  const events = history.map(({ what, at, by, task }) => ({
    at,
    who: what === "triggered" ? (trigger.actor?.name ?? trigger.by) : actorText(by ?? "–"),
    text: `${ACTIONS[what]}${task === undefined ? "" : ` ${task}`}${what === "triggered" ? source : ""}`,
    refused: null,
  }));
  if (started_at === null) return events;
  return [
    ...events,
    { at: started_at, who: "Peach", text: "started the first task", refused: null },
  ];
}

/** Tests for an entry of the audit that the run itself does not know. */
function isBeside({ what, status }: AuditEntry): boolean {
  return status >= 400 || what === "replayRun";
}

/** An entry of the audit as a row. The path of the call may name a task behind the run. */
function eventOf({ at, who, what, on, status }: AuditEntry, runId: string): Event {
  const task = on.split("/").find((part) => part !== runId);
  const text = CALLS[what] ?? what;
  return {
    at,
    who: what === "completeByUrl" ? "completion URL" : who,
    text: task === undefined || !text.startsWith("completed") ? text : `${text} ${task}`,
    refused: status >= 400 ? status : null,
  };
}
