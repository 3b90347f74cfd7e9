/** The tools of a graph: a search for tasks, the way to the next failure, and the zoom. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { formatCount, formatPlural } from "../format.ts";
import { Button, IconButton } from "../parts/button.tsx";
import type { GraphTask } from "./groups.ts";

/** Graphs up to this number of tasks have no search and no way to a failure: all is in sight. */
const SEEN_AT_ONCE = 12;

/** Properties of the tools. */
interface GraphToolsProps {
  readonly tasks: readonly GraphTask[];
  /** The failed tasks, in the order of the button. */
  readonly failed: readonly string[];
  /** Goes to a task. */
  readonly onGo: (task: string) => void;
  readonly onZoom: (factor: number) => void;
  readonly onFit: () => void;
}

/** Shows the tools above the graph. Enter goes from one match to the next, shift+Enter back. */
export function GraphTools({ tasks, failed, onGo, onZoom, onFit }: GraphToolsProps): JSX.Element {
  const text = useSignal("");
  const turn = useSignal(-1);
  const failure = useSignal(-1);
  const sought = text.value.trim().toLowerCase();
  const found =
    sought === "" ? [] : tasks.filter(({ task }) => task.toLowerCase().includes(sought));
  /** Goes to another match. */
  const step = (by: number): void => {
    if (found.length === 0) return;
    turn.value = (turn.value + by + found.length) % found.length;
    const task = found[turn.value]?.task;
    if (task !== undefined) onGo(task);
  };
  /** Goes to the next failure. */
  const toFailure = (): void => {
    failure.value = (failure.value + 1) % failed.length;
    const task = failed[failure.value];
    if (task !== undefined) onGo(task);
  };
  return (
    <>
      {tasks.length > SEEN_AT_ONCE && (
        <div class="graph-tools">
          <input
            type="search"
            class="graph-search"
            aria-label="Find a task in the graph"
            placeholder={`Find in ${formatCount(tasks.length)} tasks`}
            value={text.value}
            onInput={(event) => {
              text.value = event.currentTarget.value;
              turn.value = -1;
            }}
            onKeyDown={(event) => {
              if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
            }}
          />
          <span class="muted small" aria-live="polite">
            {sought !== "" && matchText(turn.value, found.length)}
          </span>
          {failed.length > 0 && (
            <Button icon="cross" style="button-small to-failure" onClick={toFailure}>
              {failed.length === 1
                ? "Go to the failure"
                : `Next of ${formatCount(failed.length)} failures`}
            </Button>
          )}
        </div>
      )}
      <div class="graph-zoom" role="group" aria-label="Zoom">
        <IconButton icon="plus" label="Enlarge" size={13} onClick={() => onZoom(1.25)} />
        <IconButton icon="minus" label="Reduce" size={13} onClick={() => onZoom(0.8)} />
        <IconButton icon="fit" label="Fit" size={13} onClick={onFit} />
      </div>
    </>
  );
}

/** Says how many tasks match, and which of them is shown. */
function matchText(at: number, count: number): string {
  const matches = formatPlural(count, "match", "matches");
  return at < 0 ? `${matches}, Enter goes there` : `${formatCount(at + 1)} of ${matches}`;
}
