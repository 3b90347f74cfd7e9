import { printable } from "../../compiler/printable.ts";
import type { DeployedTask } from "../../client/client.ts";
import { defineCommand } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS } from "../deployment.ts";
import { type Cell, type ListColumn, printList, timeText } from "../table.ts";

const COLUMNS: readonly ListColumn<DeployedTask>[] = [
  ["task", ({ task }) => task],
  ["downstream", ({ downstream }) => downstream.join(", "), "shrinks"],
  ["triggered by", triggersOf, "shrinks"],
  ["paused", pausedCell],
  ["description", ({ description }) => description ?? "", "shrinks"],
];

/** `peach tasks [TASK]`. */
export const tasks = defineCommand({
  name: "tasks",
  summary: "lists the tasks that are deployed",
  description: `Lists the tasks that are deployed, what triggers them and which are paused; or shows
all that is configured for one.`,
  words: [{ name: "TASK", means: "task", optional: true }],
  options: { ...DEPLOYMENT_OPTIONS, json: { help: '{"tasks": [...]}, or the task' } },
  async run({ options, words: [name] }, host) {
    const { out, signal } = host;
    const calls = connect(options, host).tasks;
    if (name !== undefined) {
      const task = await calls.get(name, { signal });
      out(options.json === true ? JSON.stringify(task, null, 2) : facts(task).join("\n"));
      return 0;
    }
    const all = await calls.list({ signal });
    printList("tasks", all, "there are none", COLUMNS, options, host);
    return 0;
  },
});

function pausedCell({ paused }: DeployedTask): Cell {
  return paused === null
    ? { text: "" }
    : { text: `since ${timeText(paused.at)} by ${paused.by}`, colour: "yellow" };
}

function triggersOf({ on, schedules }: DeployedTask): string {
  const counts = [
    [on.r2.length, "r2"],
    [on.events.length, "event"],
    [schedules.length, "schedule"],
  ] as const;
  return counts
    .flatMap(([count, what]) => (count === 0 ? [] : count === 1 ? what : `${count} × ${what}`))
    .join(", ");
}

function facts(task: DeployedTask): string[] {
  const rows = Object.entries(task).filter(
    ([, value]) => value !== null && JSON.stringify(value) !== "[]",
  );
  return rows.map(
    ([name, value]) =>
      `${name.padEnd(16)}${printable(typeof value === "string" ? value : JSON.stringify(value))}`,
  );
}
