import { existsSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { defineCommand, UsageError } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS } from "../deployment.ts";
import { runIdOf } from "../run-argument.ts";
import { readNumber } from "../filter-options.ts";

/** `peach payload RUN [TASK]`. */
export const payload = defineCommand({
  name: "payload",
  summary: "prints what triggered a run, or what a task of it has passed on",
  description: `Prints the payload that triggered a run, or with TASK what that task has passed on:
the bytes as they are.`,
  words: [
    { name: "RUN", means: "run" },
    { name: "TASK", means: "task", optional: true },
  ],
  options: {
    item: { takes: "N", help: "of this item, from 0, of a task with each" },
    to: { takes: "CHILD", means: "task", help: "what it has passed to this task alone" },
    out: { takes: "FILE", means: "file", help: "writes it to this file" },
    force: { help: "with --out: replaces a file that is there" },
    ...DEPLOYMENT_OPTIONS,
  },
  async run({ options, words: [given, task] }, host) {
    const { signal } = host;
    const item = readNumber("item", options.item, 0, 9_999);
    const { to, out, force = false } = options;
    if (force && out === undefined) throw new UsageError("--force is for --out");
    if ((item !== undefined || to !== undefined) && task === undefined)
      throw new UsageError(`${to === undefined ? "--item" : "--to"} needs the name of the task`);
    if (item !== undefined && to !== undefined)
      throw new UsageError("an item passes nothing to a single task: --item or --to");
    if (out !== undefined && !force && existsSync(resolve(host.cwd, out))) {
      host.err(`${out} would be replaced: choose another file, or add --force`);
      return 1;
    }
    const peach = connect(options, host);
    const { runs } = peach;
    const runId = await runIdOf(peach, given, signal);
    const received = await (task === undefined
      ? runs.payload(runId, { signal })
      : runs.taskPayload(runId, task, { item, to, signal }));
    const bytes = await received.bytes();
    if (out === undefined) {
      host.outBytes(bytes);
      return 0;
    }
    writeFileSync(resolve(host.cwd, out), bytes);
    host.err(`${out}: ${bytes.length} bytes of ${received.contentType}`);
    return 0;
  },
});
