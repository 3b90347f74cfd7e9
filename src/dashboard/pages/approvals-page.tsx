/**
 * The page Approvals: the tasks that wait for a person or another system, with what is to be
 * decided and the buttons.
 *
 * API calls:
 * - `GET /runs?status=waiting`, every five seconds.
 * - `GET /runs/ID` of each listed run: what its task reads, and until when it waits.
 * - The decision and the payloads, by the parts of a card.
 */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import type { RunPage, RunSummary } from "../../contract/run-lists.ts";
import type { RunDocument, TaskOfRun } from "../../contract/run.ts";
import { formatPlural, shortId } from "../format.ts";
import { readAttention } from "../live/attention.ts";
import { Button } from "../parts/button.tsx";
import { Icon } from "../parts/icon.tsx";
import { useGet } from "../parts/load.ts";
import { usePageTitle } from "../parts/page-title.ts";
import { PayloadView } from "../parts/payload-view.tsx";
import { Empty, Read } from "../parts/states.tsx";
import { Time } from "../parts/time.tsx";
import { runPath } from "../routes.ts";
import { DecisionForm } from "../run/decision-form.tsx";
import { mayOperate } from "../session.ts";

/** The interval between reads. */
const REFRESH_MS = 5_000;

/** An entry of the inbox. */
interface Approval {
  readonly run: RunSummary;
  readonly task: string;
  readonly until: string;
  /** True after a decision elsewhere, or the end of the run. */
  readonly isOver?: boolean;
}

/**
 * Shows the inbox, the most urgent first. An approval that ends elsewhere stays in place with the
 * note: otherwise the next approval moves under the pointer.
 */
export function ApprovalsPage(): JSX.Element {
  usePageTitle("Approvals");
  const waiting = useGet<RunPage>("/runs?status=waiting&limit=100", REFRESH_MS);
  // A decided task stays in the list for a moment.
  const decided = useSignal<ReadonlySet<string>>(new Set());
  const seen = useRef<readonly Approval[]>([]);
  const leave = (entry: Approval): void => {
    decided.value = new Set([...decided.value, keyOf(entry)]);
  };
  return (
    <>
      <h1>Approvals</h1>
      <p class="muted lead">Tasks that wait for a person or another system to complete them.</p>
      <Read from={waiting} lines={6} label="the approvals">
        {({ runs, next_cursor }) => {
          // A list that is cut off does not tell what has ended.
          const listed = approvalsOf(runs, next_cursor === null ? seen.current : []);
          seen.current = listed;
          const approvals = listed.filter((entry) => !decided.value.has(keyOf(entry)));
          return approvals.length === 0 ? (
            <Empty icon="inbox" title="Nothing waits for you">
              A task with <code>external: true</code> in peach.conf comes here while it waits.
            </Empty>
          ) : (
            <div class="approvals">
              {next_cursor !== null && (
                <p class="muted">The newest {formatPlural(approvals.length, "approval")}.</p>
              )}
              {approvals.map((entry) => (
                <ApprovalCard
                  key={keyOf(entry)}
                  entry={entry}
                  onRemove={() => leave(entry)}
                  onDecided={() => {
                    leave(entry);
                    waiting.reload();
                    void readAttention();
                  }}
                />
              ))}
            </div>
          );
        }}
      </Read>
    </>
  );
}

/** Identifies an entry of the inbox. A new attempt has another deadline. */
function keyOf({ run, task, until }: Approval): string {
  return `${run.run_id} ${task} ${until}`;
}

/**
 * The tasks that wait for a completion, and those of `seen` that wait no longer; the first to time
 * out comes first.
 */
function approvalsOf(runs: readonly RunSummary[], seen: readonly Approval[]): Approval[] {
  const waiting: Approval[] = runs.flatMap((run) =>
    (run.waiting ?? []).flatMap((wait) =>
      wait.for === "completion" ? [{ run, task: wait.task, until: wait.until }] : [],
    ),
  );
  const keys = new Set(waiting.map(keyOf));
  const over = seen
    .filter((entry) => !keys.has(keyOf(entry)))
    .map((entry) => ({ ...entry, isOver: true }));
  return [...waiting, ...over].toSorted((one, other) => one.until.localeCompare(other.until));
}

/** A task with what it is about, and the decision. */
function ApprovalCard({
  entry: { run, task, until, isOver = false },
  onDecided,
  onRemove,
}: {
  readonly entry: Approval;
  readonly onDecided: () => void;
  readonly onRemove: () => void;
}): JSX.Element {
  const { data } = useGet<RunDocument>(`/runs/${encodeURIComponent(run.run_id)}`);
  const found = data.value?.tasks.find((other) => other.task === task) ?? null;
  const since = found?.attempts.at(-1)?.started_at ?? null;
  return (
    <article class="card approval" aria-label={`${task} of ${run.task}`}>
      <header class="panel-head">
        <h2 class="ellipsis">
          <a href={runPath(run.run_id, task)}>{task}</a>{" "}
          {task !== run.task && <span class="muted">of {run.task}</span>}
        </h2>
        <code class="muted small" title={run.run_id}>
          {shortId(run.run_id)}
        </code>
        <span class="spacer" />
        <span class="pill s-waiting">
          <Icon name="clock" size={12} />
          <span>
            {since !== null && (
              <>
                asked <Time at={since} />,{" "}
              </>
            )}
            ends <Time at={until} />
          </span>
        </span>
      </header>
      {isOver && (
        <p class="notice" role="status">
          It waits no longer: somebody else has decided, or its run has ended.{" "}
          <Button onClick={onRemove}>Remove</Button>
        </p>
      )}
      <div class="approval-body">
        <section aria-label="What is decided">
          <h3>What is decided</h3>
          {found !== null && <Subject run={run} task={found} />}
        </section>
        {mayOperate() && (
          <section aria-label="Decision">
            <DecisionForm runId={run.run_id} task={task} onDone={onDecided} />
          </section>
        )}
      </div>
    </article>
  );
}

/** The input of the task: the trigger of the run, or the outputs of the upstream tasks. */
function Subject({
  run,
  task,
}: {
  readonly run: RunSummary;
  readonly task: TaskOfRun;
}): JSX.Element {
  if (task.upstream.length === 0) return <PayloadView runId={run.run_id} task={null} />;
  return (
    <>
      {task.upstream.map((name) => (
        <div key={name}>
          {task.upstream.length > 1 && <h4>{name}</h4>}
          <PayloadView runId={run.run_id} task={name} />
        </div>
      ))}
    </>
  );
}
