/** The first three steps, which a new deployment shows in place of failures and runs. */
import type { JSX } from "preact";
import type { DeployedTask } from "../../contract/tasks.ts";
import { CopyButton } from "../parts/button.tsx";
import { Icon } from "../parts/icon.tsx";
import { triggersPath } from "../routes.ts";
import { mayTrigger } from "../session.ts";

/**
 * Shows how to start a run, how to look into one, and what comes next. The texts name a task of
 * this deployment, so that the command can be copied as it is.
 *
 * A deployment without tasks shows where tasks come from. The button is left out for sessions that
 * may not trigger the task.
 */
export function FirstSteps({ tasks }: { readonly tasks: readonly DeployedTask[] }): JSX.Element {
  // A task without upstream tasks begins a pipeline.
  const root = tasks.find(({ upstream }) => upstream.length === 0);
  if (root === undefined)
    return (
      <section class="first-steps card">
        <h2>No tasks are deployed</h2>
        <p class="muted">
          Name a function under <code>tasks</code> in peach.conf, and deploy: its pipeline appears
          here.
        </p>
      </section>
    );
  const command = `peach trigger ${root.task} --watch`;
  return (
    <section class="first-steps card" aria-labelledby="first-steps">
      <h2 id="first-steps">Nothing has run yet. Three steps to know your way around:</h2>
      <ol>
        <li>
          <Icon name="triggers" size={18} />
          <div>
            <h3>Start a run</h3>
            <p class="muted">
              A form is made from the task's schema, and checked as you type. In a terminal the same
              is
            </p>
            <p>
              <code>{command}</code> <CopyButton text={command} label="Copy the command" />
            </p>
            {mayTrigger(root.task, root.callable) && (
              <a class="button button-main" href={triggersPath("tasks", root.task)}>
                Trigger {root.task}
              </a>
            )}
          </div>
        </li>
        <li>
          <Icon name="runs" size={18} />
          <div>
            <h3>Watch it</h3>
            <p class="muted">
              Its page follows the run: the graph, the timeline, the log, what each task read and
              passed. Whatever fails comes to this page, grouped by its cause.
            </p>
          </div>
        </li>
        <li>
          <Icon name="retry" size={18} />
          <div>
            <h3>Break it, and mend it</h3>
            <p class="muted">
              Throw an error in a task and save. Retry the run in place: what has succeeded is kept.
            </p>
          </div>
        </li>
      </ol>
    </section>
  );
}
