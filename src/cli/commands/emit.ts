import { defineCommand } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS } from "../deployment.ts";
import { PAYLOAD_OPTIONS, readPayload } from "../payload-options.ts";

/** `peach emit EVENT`. */
export const emit = defineCommand({
  name: "emit",
  summary: "emits a named event",
  description:
    "Emits a named event: each task whose on.event names it gets a run, none if nobody listens.",
  words: [{ name: "EVENT", means: "event" }],
  options: {
    ...PAYLOAD_OPTIONS,
    key: {
      takes: "KEY",
      help: "idempotency key: the same one gives the same runs, and refuses another payload (409)",
    },
    ...DEPLOYMENT_OPTIONS,
    json: { help: '{"runs": [{"run_id", "task"}]}' },
  },
  async run({ options, words: [name = ""] }, host) {
    const peach = connect(options, host);
    const given = await readPayload(options, host);
    const { signal } = host;
    const runs = await peach.emit(name, given?.payload, {
      idempotencyKey: options.key,
      contentType: given?.contentType,
      signal,
    });
    if (options.json === true) host.out(JSON.stringify({ runs }, null, 2));
    else if (runs.length === 0) host.out(`no task listens to ${name}`);
    else for (const run of runs) host.out(`${run.run_id} ${run.task}`);
    return 0;
  },
});
