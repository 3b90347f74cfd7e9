/** The works of the bench as a peach.conf; their methods are in `worker/pipelines`. */
import { stringify } from "yaml";
import { WORKS, type Shape, type WorkName } from "./worker/works.ts";

interface ConfTask {
  readonly method: string;
  readonly downstream?: readonly string[];
  readonly dispatch?: "direct";
  readonly each?: true;
}

/**
 * Returns the text of the peach.conf: every work is a root task of its name and its downstream
 * tasks.
 */
export function benchConf(): string {
  const tasks: Record<string, ConfTask> = {};
  for (const [name, shape] of Object.entries(WORKS)) Object.assign(tasks, tasksOf(name, shape));
  return stringify({ tasks }, { aliasDuplicateObjects: false });
}

/** The last task of a run of this work. */
export function lastTaskOf(work: WorkName): string {
  const shape: Shape = WORKS[work];
  return shape.kind === "fan" || shape.kind === "each"
    ? `${work}_join`
    : nameInChain(work, shape.tasks - 1);
}

function tasksOf(name: string, shape: Shape): Record<string, ConfTask> {
  switch (shape.kind) {
    case "chain":
      return chain(name, shape.tasks, (position) => ({
        method:
          position === shape.tasks - 1
            ? "finish_task"
            : shape.stamps.includes(position)
              ? "stamp_task"
              : "pass_task",
        ...(shape.dispatch !== undefined && { dispatch: shape.dispatch }),
      }));
    case "blobs":
      return chain(name, shape.tasks, (position) => ({
        method:
          position === 0
            ? "first_blob_task"
            : position === shape.tasks - 1
              ? "finish_blob_task"
              : "pass_blob_task",
      }));
    case "each":
      return {
        [name]: { method: "first_each_task", downstream: [`${name}_item`] },
        [`${name}_item`]: { method: "item_task", each: true, downstream: [`${name}_join`] },
        [`${name}_join`]: { method: "gathered_task" },
      };
    case "fan": {
      const branches = Array.from({ length: shape.width }, (_, branch) => `${name}_${branch}`);
      const join = `${name}_join`;
      return {
        [name]: {
          method: "stamp_task",
          downstream: branches,
          ...(shape.dispatch !== undefined && { dispatch: shape.dispatch }),
        },
        ...Object.fromEntries(
          branches.map((branch) => [branch, { method: "pass_task", downstream: [join] }]),
        ),
        [join]: { method: "join_task" },
      };
    }
  }
}

function chain(
  name: string,
  length: number,
  task: (position: number) => ConfTask,
): Record<string, ConfTask> {
  return Object.fromEntries(
    Array.from({ length }, (_, position) => [
      nameInChain(name, position),
      {
        ...task(position),
        ...(position < length - 1 && { downstream: [nameInChain(name, position + 1)] }),
      },
    ]),
  );
}

function nameInChain(name: string, position: number): string {
  return position === 0 ? name : `${name}_${position}`;
}
