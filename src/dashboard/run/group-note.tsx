/** The tasks of a closed group by status: a bar and counts. */
import type { JSX } from "preact";
import { sharesOf } from "../graph/lines.tsx";
import { formatCount } from "../format.ts";
import type { RunModel } from "../live/run-model.ts";
import { statusWord } from "../parts/status.tsx";

/** The number of statuses that the words name. */
const NAMED = 2;

/** Shows the statuses of these tasks, the worst first. */
export function GroupNote({
  model,
  tasks,
}: {
  readonly model: RunModel;
  readonly tasks: readonly string[];
}): JSX.Element {
  const shares = sharesOf(tasks, (task) => model.task(task)?.value.status ?? null);
  const words = shares
    .slice(0, NAMED)
    .map(
      ([status, share]) => `${formatCount(Math.round(share * tasks.length))} ${statusWord(status)}`,
    );
  return (
    <>
      <span class="group-note">
        {words.join(", ")}
        {shares.length > NAMED ? " …" : ""}
      </span>
      <span class="group-bar">
        {shares.map(([status, share]) => (
          <span key={status} class={`s-${status}`} style={{ width: `${share * 100}%` }} />
        ))}
      </span>
    </>
  );
}
