/**
 * The rules by which uploads to R2 trigger tasks. Shown only: they are changed in peach.conf.
 *
 * A rule matches objects by the beginning and end of their keys, and by action.
 */
import type { JSX } from "preact";
import type { DeployedTask } from "../../contract/tasks.ts";
import { Empty } from "../parts/states.tsx";
import { Table } from "../parts/table.tsx";
import { runsPath } from "../routes.ts";

/** Lists the rules of all tasks. Each links to the runs that uploads have started. */
export function UploadsView({ tasks }: { readonly tasks: readonly DeployedTask[] }): JSX.Element {
  const rules = tasks.flatMap(({ task, on }) => on.r2.map((rule) => ({ task, ...rule })));
  if (rules.length === 0)
    return (
      <Empty icon="upload" title="No upload triggers a task">
        <code>on: {"{r2: {bucket, prefix, suffix}}"}</code> in peach.conf does.
      </Empty>
    );
  return (
    <Table label="Rules" columns={["Bucket", "Objects", "When", "Triggers"]}>
      {rules.map(({ task, bucket, prefix, suffix, actions }) => (
        <tr key={`${task} ${bucket} ${prefix} ${suffix}`}>
          <td>{bucket}</td>
          <td>
            <code>
              {prefix}*{suffix}
            </code>
          </td>
          <td>{actions.join(", ")}</td>
          <td>
            <a href={runsPath({ task, source: "r2" })}>{task}</a>
          </td>
        </tr>
      ))}
    </Table>
  );
}
