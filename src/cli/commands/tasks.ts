import type { DeployedTask } from "../../client/client.ts";
import { defineCommand, type Terminal } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS } from "../deployment.ts";
import { tableLines, timeText, type Cell } from "../table.ts";

/** `peach tasks [TASK]`. */
export const tasks = defineCommand({
  name: "tasks",
  summary: "lists the tasks that are deployed",
  description:
    "Lists the tasks that are deployed, what triggers them and which are paused; or shows all that is configured for one.",
  words: [{ name: "TASK", means: "task", optional: true }],
  options: { ...DEPLOYMENT_OPTIONS, json: { help: '{"tasks": [...]}, or the task' } },
  async run({ options, words: [name] }, host) {
    const { out, signal, terminal } = host;
    const calls = connect(options, host).tasks;
    const json = options.json === true;
    if (name !== undefined) {
      const task = await calls.get(name, { signal });
      out(json ? JSON.stringify(task, null, 2) : facts(task).join("\n"));
      return 0;
    }
    const all = await calls.list({ signal });
    out(json ? JSON.stringify({ tasks: all }, null, 2) : table(all, terminal).join("\n"));
    return 0;
  },
});

function table(all: readonly DeployedTask[], terminal: Terminal): string[] {
  const columns = [
    { title: "task" },
    { title: "downstream", shrinks: true },
    { title: "triggered by", shrinks: true },
    { title: "paused" },
    { title: "description", shrinks: true },
  ];
  const rows = all.map((task) => [
    task.task,
    task.downstream.join(", "),
    triggersOf(task),
    pausedCell(task),
    task.description ?? "",
  ]);
  return tableLines(columns, rows, terminal);
}

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
      `${name.padEnd(16)}${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
}
