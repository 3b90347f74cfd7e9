/** The attempts of a task or item, with errors and stacks. */
import type { JSX } from "preact";
import type { Attempt, TaskOfRun } from "../../contract/run.ts";
import { StatusPill } from "../parts/status.tsx";
import { Duration, Time } from "../parts/time.tsx";

/** Lists the attempts, newest first: the last error is usually the interesting one. */
export function AttemptsView({ attempts }: Pick<TaskOfRun, "attempts">): JSX.Element {
  if (attempts.length === 0) return <p class="muted">It has not started.</p>;
  return (
    <ol class="attempts" reversed>
      {attempts.toReversed().map((attempt) => (
        <Attempt key={attempt.attempt} {...attempt} />
      ))}
    </ol>
  );
}

/** An attempt with its status, duration and error. The stack is closed at first, as it is long. */
function Attempt({ attempt, status, started_at, finished_at, error }: Attempt): JSX.Element {
  return (
    <li class="attempt">
      <div class="attempt-head">
        <strong>Attempt {attempt}</strong>
        <StatusPill status={status} />
        <span class="spacer" />
        <Duration from={started_at} to={finished_at} />
        <span class="muted">
          <Time at={started_at} />
        </span>
      </div>
      {error !== null && (
        <div class="error-box">
          <p class="error-message">
            <strong>{error.name}</strong>: {error.message}
          </p>
          {error.stack !== null && error.stack !== "" && (
            <details>
              <summary>Stack</summary>
              <pre class="text" tabIndex={0}>
                {error.stack}
              </pre>
            </details>
          )}
        </div>
      )}
    </li>
  );
}
