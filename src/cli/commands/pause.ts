import { defineCommand, type Command } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS } from "../deployment.ts";

/** `peach pause TASK`. */
export const pause = command(
  "pause",
  "holds the attempts of a task back",
  "Holds the attempts of a task back until it is resumed: its runs are accepted and wait. " +
    "With --schedule only nothing is triggered by its schedules.",
);

/** `peach resume TASK`. */
export const resume = command(
  "resume",
  "lets the attempts of a task that was paused start again",
  "Lets the attempts of a task that was paused start again; with --schedule its schedules.",
);

function command(name: "pause" | "resume", summary: string, description: string): Command {
  return defineCommand({
    name,
    summary,
    description,
    words: [{ name: "TASK", means: "task" }],
    options: {
      schedule: { help: "its schedules, not its attempts" },
      ...DEPLOYMENT_OPTIONS,
      json: { help: 'the task as it is deployed; with --schedule {"schedules": [...]}' },
    },
    async run({ options, words: [task = ""] }, host) {
      const { out, signal } = host;
      const peach = connect(options, host);
      const answer =
        options.schedule === true
          ? { schedules: await peach.schedules[name](task, { signal }) }
          : await peach.tasks[name](task, { signal });
      const what = options.schedule === true ? `the schedules of ${task} are` : `${task} is`;
      out(options.json === true ? JSON.stringify(answer, null, 2) : `${what} ${name}d`);
      return 0;
    },
  });
}
