/**
 * The page Limits: slots in use and attempts that wait, for each limit.
 *
 * API calls:
 * - `GET /limits`, every two seconds.
 *
 * A limit with a key has a row per value of the key. A task without limits is not listed.
 */
import type { JSX } from "preact";
import type { LimitState } from "../../contract/limits.ts";
import { formatCount, formatDuration } from "../format.ts";
import { useGet } from "../parts/load.ts";
import { usePageTitle } from "../parts/page-title.ts";
import { Empty, Read } from "../parts/states.tsx";
import { Table } from "../parts/table.tsx";
import { runsPath } from "../routes.ts";

/** The interval between reads. */
const REFRESH_MS = 2_000;

/** Shows the limits of all tasks, read again every two seconds. */
export function LimitsPage(): JSX.Element {
  usePageTitle("Limits");
  const limits = useGet<{ readonly limits: readonly LimitState[] }>("/limits", REFRESH_MS);
  return (
    <>
      <h1>Limits</h1>
      <p class="muted lead">How much may run at once, or start in a while, and who waits for it.</p>
      <Read from={limits} lines={6} label="the limits">
        {(data) =>
          data.limits.length === 0 ? (
            <Empty icon="limits" title="No task has a limit">
              <code>concurrency</code> and <code>rate_limit</code> in peach.conf set one.
            </Empty>
          ) : (
            <Table label="Limits" columns={COLUMNS}>
              {data.limits.map((limit) => (
                <LimitRow key={`${limit.task} ${limit.kind} ${limit.key}`} limit={limit} />
              ))}
            </Table>
          )
        }
      </Read>
    </>
  );
}

/** The columns of the table. */
const COLUMNS = ["Task", "Limit", "Key", ["In use", "wide"], ["Waiting", "right"]] as const;

/**
 * A row per limit and key. The bar is full when new attempts have to wait; a meter tells screen
 * readers the same.
 */
function LimitRow({ limit: document }: { readonly limit: LimitState }): JSX.Element {
  const { task, kind, key, limit, per_ms, in_use, waiting } = document;
  const share = limit === 0 ? 0 : Math.min(1, in_use / limit);
  return (
    <tr>
      <td>
        <a href={runsPath({ task })}>{task}</a>
      </td>
      <td>
        {kind === "concurrency"
          ? `${formatCount(limit)} at once`
          : `${formatCount(limit)} per ${per_ms === null ? "window" : formatDuration(per_ms)}`}
      </td>
      <td>{key === null ? <span class="muted">–</span> : <code>{key}</code>}</td>
      <td class="wide">
        <div class="usage">
          <span
            class={`bar ${share >= 1 ? "is-full" : ""}`}
            role="meter"
            aria-label={`In use by ${task}`}
            aria-valuemin={0}
            aria-valuemax={limit}
            aria-valuenow={in_use}
          >
            <span class="bar-done" style={{ width: `${share * 100}%` }} />
          </span>
          <span class="number">
            {formatCount(in_use)} / {formatCount(limit)}
          </span>
        </div>
      </td>
      <td class="right number">
        {waiting === 0 ? <span class="muted">0</span> : formatCount(waiting)}
      </td>
    </tr>
  );
}
