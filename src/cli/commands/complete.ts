import { defineCommand, UsageError } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS } from "../deployment.ts";
import { PAYLOAD_OPTIONS, readPayload } from "../payload-options.ts";

/** `peach complete RUN TASK`. */
export const complete = defineCommand({
  name: "complete",
  summary: "completes an external task that waits",
  description: `Completes an external task that waits, with what it passes on, or with --failed as
failed. What it passes is a JSON value or a text.`,
  words: [
    { name: "RUN", means: "run" },
    { name: "TASK", means: "task" },
  ],
  options: {
    "json-payload": PAYLOAD_OPTIONS["json-payload"],
    text: PAYLOAD_OPTIONS.text,
    failed: { takes: "MESSAGE", help: "it has failed, for this reason" },
    ...DEPLOYMENT_OPTIONS,
    json: { help: '{"run_id", "task", "status"}' },
  },
  async run({ options, words: [runId = "", task = ""] }, host) {
    const { out, signal } = host;
    const given = await readPayload(options, host);
    if (given !== null && options.failed !== undefined)
      throw new UsageError("a task that has failed passes nothing: --failed, or a payload");
    const text = given === null ? null : new TextDecoder().decode(given.payload);
    const payload: unknown = text === null || options.text !== undefined ? text : JSON.parse(text);
    const completed = await connect(options, host).runs.complete(
      runId,
      task,
      options.failed === undefined
        ? { status: "succeeded", payload }
        : { status: "failed", error: { message: options.failed } },
      { signal },
    );
    out(
      options.json === true
        ? JSON.stringify(completed, null, 2)
        : `${task} of ${runId}: ${completed.status}`,
    );
    return 0;
  },
});
