import { defineCommand, UsageError } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS } from "../deployment.ts";
import { readDuration } from "../filter-options.ts";
import { followRun } from "../follow.ts";
import { PAYLOAD_OPTIONS, readPayload } from "../payload-options.ts";
import { runLines } from "../run-view.ts";
import { PEACH } from "../../compiler/peach-command.ts";

/** `peach trigger TASK`. */
export const trigger = defineCommand({
  name: "trigger",
  summary: "starts a run of a task",
  description: `Starts a run of a task, and says its id once it is durably recorded. Without a
payload it carries JSON null. With --wait or --watch it exits with 1 if the run does not succeed, or
is not final in time.`,
  words: [{ name: "TASK", means: "task" }],
  options: {
    ...PAYLOAD_OPTIONS,
    key: {
      takes: "KEY",
      help: "idempotency key: the same one gives the same run, and refuses another payload (409)",
    },
    delay: { takes: "DURATION", help: "how long the run waits before it starts, at most 30d" },
    tag: { takes: "TAG", several: true, help: "a tag of the run; may be given again" },
    wait: { takes: "DURATION", help: "answers when the run is final, at most 5m" },
    watch: { help: "shows the run until it is final" },
    ...DEPLOYMENT_OPTIONS,
    json: {
      help:
        '{"run_id", "task", "status", "deduplicated"}; with --wait the run, with --watch its ' +
        "events, a line each",
    },
  },
  async run({ options, words: [task = ""] }, host) {
    const { key, watch = false, json = false } = options;
    const delay = readDuration("delay", options.delay);
    const wait = readDuration("wait", options.wait);
    if (watch && wait !== undefined)
      throw new UsageError("--watch waits by itself: leave --wait away");
    const peach = connect(options, host);
    const given = await readPayload(options, host);
    const triggered = await peach.trigger(task, given?.payload, {
      idempotencyKey: key,
      delay,
      tags: options.tag,
      wait,
      contentType: given?.contentType,
      signal: host.signal,
    });
    const { run_id: runId, status, deduplicated, run } = triggered;
    if (run !== null) {
      host.out(
        json ? JSON.stringify(run, null, 2) : runLines(run, Date.now(), host.terminal).join("\n"),
      );
      return run.status === "succeeded" ? 0 : 1;
    }
    if (watch) return followRun(peach, runId, { logs: false, json }, host);
    if (json)
      host.out(
        JSON.stringify({ run_id: runId, task: triggered.task, status, deduplicated }, null, 2),
      );
    else {
      host.out(
        `${runId} ${status}${deduplicated === true ? " (the run that this key had started)" : ""}`,
      );
      host.err(`see it: ${PEACH} watch ${runId}`);
    }
    return wait === undefined ? 0 : 1;
  },
});
