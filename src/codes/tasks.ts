/** Codes 2xx: the graph of the tasks, and keys of a task that contradict each other. */
import type { Definitions } from "./definition.ts";

export const TASKS = {
  // Names and edges.
  PEACH201: {
    severity: "error",
    title: "No task has this name",
    explanation: `
\`downstream\` and \`on_failure\` name tasks of \`peach.conf\`: the keys under \`tasks\`, not
the functions. Upper and lower case differ. The hint has the most similar name.`,
    wrong: `tasks:
  transcribe: {method: transcribe, downstream: recomend}
  recommend: {method: recommend}
`,
    right: `tasks:
  transcribe: {method: transcribe, downstream: recommend}
  recommend: {method: recommend}
`,
  },
  PEACH202: {
    severity: "error",
    title: "A downstream task is named twice",
    explanation: `
A task runs once in a run, however many edges lead to it. The second mention has no effect and
is probably another task's name.`,
    wrong: `tasks:
  transcribe: {method: transcribe, downstream: [archive, archive]}
  archive: {method: archive}
  recommend: {method: recommend}
`,
    right: `tasks:
  transcribe: {method: transcribe, downstream: [archive, recommend]}
  archive: {method: archive}
  recommend: {method: recommend}
`,
  },
  PEACH203: {
    severity: "error",
    title: "A cycle",
    explanation: `
A task starts when all its upstream tasks have ended. The tasks of a cycle would wait for each
other for ever, so the graph must have none. The message names the cycle task by task, and each
edge is shown. Remove one of them. To repeat work on purpose, trigger the first task from the
last one's method by \`triggerTaskWithEvent\`: that is a new run.`,
    wrong: `tasks:
  fetch: {method: fetch, downstream: parse}
  parse: {method: parse, downstream: fetch}
`,
    right: `tasks:
  fetch: {method: fetch, downstream: parse}
  parse: {method: parse}
`,
  },
  PEACH204: {
    severity: "error",
    title: "A graph that is too large for a run",
    explanation: `
A run has all tasks that are reachable from its root, at most 20,000 of them, and their names and
edges take at most 28 MB: the state of a run is kept by one object, and travels in one message.
Split the graph: a task may trigger the root of another graph with \`triggerTaskWithEvent\`. If the
tasks differ in their data only, one task with \`each\` runs over up to 10,000 items.`,
    // A graph of this size would fill pages.
    wrong: null,
    right: null,
  },
  // Contradictory keys of a task.
  PEACH205: {
    severity: "error",
    title: "`each` with several upstream tasks",
    explanation: `
A task with \`each\` runs once per item of an array. A task with several upstream tasks reads an
object keyed by their names, which has no items. Put a task between that reads the object and
passes one array.`,
    wrong: `tasks:
  films: {method: films, downstream: encode}
  series: {method: series, downstream: encode}
  encode: {method: encode, each: true}
`,
    right: `tasks:
  films: {method: films, downstream: both}
  series: {method: series, downstream: both}
  both: {method: both, downstream: encode}
  encode: {method: encode, each: true}
`,
  },
  PEACH206: {
    severity: "error",
    title: "`each` on an external task",
    explanation: `
An external task waits for one call of its completion URL, and has no items. For one approval
per item, let a task trigger an external task for each of them with \`triggerTaskWithEvent\`.`,
    wrong: {
      "peach.conf": `tasks:
  films: {method: films, downstream: approve}
  approve: {method: approve, each: true, external: true}
`,
      "wrangler.toml": `[vars]
PEACH_URL = "https://pipelines.example"
`,
    },
    right: {
      "peach.conf": `tasks:
  films: {method: films, downstream: approve}
  approve: {method: approve, external: true}
`,
      "wrangler.toml": `[vars]
PEACH_URL = "https://pipelines.example"
`,
    },
  },
  PEACH207: {
    severity: "error",
    title: "A task has the same schedule twice",
    explanation: `
A schedule is known by its task, cron expression, time zone and payload. Two that agree in all
of these would share one history and one pause. Remove one, or give them different payloads.`,
    wrong: `tasks:
  report: {method: report, schedule: ["0 3 * * *", "0 3 * * *"]}
`,
    right: `tasks:
  report: {method: report, schedule: ["0 3 * * *", "0 15 * * *"]}
`,
  },
  PEACH208: {
    severity: "error",
    title: "A priority where nothing waits",
    explanation: `
\`priority\` orders the attempts that wait for \`concurrency\` or \`rate_limit\`. This task has
neither, so none of its attempts ever waits.`,
    wrong: `tasks:
  transcribe: {method: transcribe, priority: 3}
`,
    right: `tasks:
  transcribe: {method: transcribe, priority: 3, concurrency: 4}
`,
  },
  PEACH209: {
    severity: "error",
    title: "A concurrency strategy on a task with `each`",
    explanation: `
The strategies \`skip\` and \`cancel_running\` act on a whole task. Items of a task with
\`each\` always wait for a slot, so only \`queue\` is possible.`,
    wrong: `tasks:
  films: {method: films, downstream: encode}
  encode: {method: encode, each: true, concurrency: {limit: 4, strategy: skip}}
`,
    right: `tasks:
  films: {method: films, downstream: encode}
  encode: {method: encode, each: true, concurrency: {limit: 4}}
`,
  },
  PEACH210: {
    severity: "error",
    title: "A max_wait shorter than the delay",
    explanation: `
A debounced run starts \`delay\` after the last trigger, and at the latest \`max_wait\` after
the first. A shorter \`max_wait\` would end every delay early, so that \`delay\` had no effect.`,
    wrong: `tasks:
  index: {method: index, debounce: {delay: 1m, max_wait: 10s}}
`,
    right: `tasks:
  index: {method: index, debounce: {delay: 10s, max_wait: 1m}}
`,
  },
  PEACH211: {
    severity: "error",
    title: "A path that names no upstream task",
    explanation: `
A task with several upstream tasks reads an object keyed by their names. A path into its payload
therefore begins with one of these names: \`payload.films.user_id\`.`,
    wrong: `tasks:
  films: {method: films, downstream: encode}
  series: {method: series, downstream: encode}
  encode: {method: encode, concurrency: {limit: 1, key: payload.user_id}}
`,
    right: `tasks:
  films: {method: films, downstream: encode}
  series: {method: series, downstream: encode}
  encode: {method: encode, concurrency: {limit: 1, key: payload.films.user_id}}
`,
  },
} as const satisfies Definitions;
