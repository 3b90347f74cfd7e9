/**
 * Codes 7xx: warnings about constructs that may be intended, and probably are not.
 *
 * A lint must not warn of a right project: a false alarm teaches people to ignore warnings. The
 * explanation states the effect at run time and the remedy. A comment silences a warning
 * (`src/compiler/silences.ts`), so a lint may warn of a construct that is right in rare projects.
 *
 * The compilation of peach.conf finds 701 to 719. The lints of `src/compiler/lints` find 720 to
 * 728. `peach check` runs the lints, and so does `npm run dev` beside the build.
 */
import type { Definitions } from "./definition.ts";

export const LINTS = {
  PEACH701: {
    severity: "warning",
    title: "A task writes what triggers it",
    explanation: `
A run writes an object into a bucket, and the object triggers the same task again, directly or
by other tasks. Such a chain of runs ends with an error after 32 of them. Let the task write
under another prefix, or narrow the rule by \`prefix\` and \`suffix\`. The check reads the calls
of \`put\` in the files: it can miss a write, and it can warn of one that never happens.`,
    wrong: {
      "peach.conf": `tasks:
  convert:
    method: convert
    on: {r2: {bucket: uploads}}
`,
      "wrangler.toml": `[[r2_buckets]]
binding = "UPLOADS"
bucket_name = "uploads"
`,
      "src/pipelines/audio.ts": `export async function convert(_, task) {
  await task.env.UPLOADS.put("converted/a.mp3", "");
}
`,
    },
    right: {
      "peach.conf": `tasks:
  convert:
    method: convert
    on: {r2: {bucket: uploads, prefix: incoming/}}
`,
      "wrangler.toml": `[[r2_buckets]]
binding = "UPLOADS"
bucket_name = "uploads"
`,
      "src/pipelines/audio.ts": `export async function convert(_, task) {
  await task.env.UPLOADS.put("converted/a.mp3", "");
}
`,
    },
  },
  PEACH702: {
    severity: "warning",
    title: "An open endpoint triggers tasks",
    explanation: `
Anybody who knows the url can start runs, which cost money and write data. Say who may call it
with \`auth\`. If it is meant to be open, write \`auth: none\`: that silences this warning.`,
    wrong: {
      "peach.conf": `tasks:
  convert: {method: convert}
endpoints:
  hook: {method: hook}
`,
      "src/pipelines/audio.ts": `import { triggerTaskWithEvent } from "peach/task-helpers";
export async function convert() {}
export async function hook() {
  await triggerTaskWithEvent("convert", {});
}
`,
    },
    right: {
      "peach.conf": `tasks:
  convert: {method: convert}
endpoints:
  hook: {method: hook, auth: token}
`,
      "src/pipelines/audio.ts": `import { triggerTaskWithEvent } from "peach/task-helpers";
export async function convert() {}
export async function hook() {
  await triggerTaskWithEvent("convert", {});
}
`,
    },
  },
  PEACH703: {
    severity: "warning",
    title: "External tasks without the address of the deployment",
    explanation: `
The completion URL of an external task begins with the address of the deployment, which the
variable \`PEACH_URL\` holds. Peach does not take the address from a request, since the sender
could choose it. The local runtime knows its own address, so the missing variable would first be
noticed in production.`,
    wrong: {
      "peach.conf": `tasks:
  approve: {method: approve, external: true}
`,
      "wrangler.toml": "",
    },
    right: {
      "peach.conf": `tasks:
  approve: {method: approve, external: true}
`,
      "wrangler.toml": `[vars]
PEACH_URL = "https://pipelines.example"
`,
    },
  },
  PEACH711: {
    severity: "warning",
    title: "A split by cookies for the pages of every origin",
    explanation: `
A split by \`client\` or \`session\` knows a browser by a cookie. With \`cors: {origins: "*"}\` browsers
send no cookies to the endpoint, so each request of such a page counts as a new browser.`,
    wrong: `endpoints:
  recommendations:
    split: {by: client}
    cors: {origins: "*"}
    components: {popular: {method: by_popularity}}
`,
    right: `endpoints:
  recommendations:
    split: {by: client}
    cors: {origins: "https://broadcaster.example"}
    components: {popular: {method: by_popularity}}
`,
  },
  PEACH720: {
    severity: "warning",
    title: "No task or endpoint names this function",
    explanation: `
A file exports a task, or an async function beside other methods, that \`peach.conf\` does not
name and no other code uses. Perhaps its task is missing. Every exported function is deployed, so
that runs of an earlier \`peach.conf\` find their methods: remove the function when none of them
is left.`,
    wrong: {
      "peach.conf": `tasks:
  transcribe: {method: transcribe}
`,
      "src/pipelines/audio.ts": `export async function transcribe() {}
export async function translate() {}
`,
    },
    right: {
      "peach.conf": `tasks:
  transcribe: {method: transcribe, downstream: translate}
  translate: {method: translate}
`,
      "src/pipelines/audio.ts": `export async function transcribe() {}
export async function translate() {}
`,
    },
  },
  PEACH721: {
    severity: "warning",
    title: "No trigger reaches a task",
    explanation: `
\`callable: false\` keeps tokens from triggering the task, and nothing else does: no upstream
task, no \`on\`, no \`schedule\`, no \`on_failure\`, and no method names it.`,
    wrong: `tasks:
  convert: {method: convert, callable: false}
`,
    right: `tasks:
  convert: {method: convert, callable: false, schedule: "0 3 * * *"}
`,
  },
  PEACH722: {
    severity: "warning",
    title: "Retries of an external task",
    explanation: `
A completion with the status \`failed\`, and no completion in time, are failures of the attempt.
With \`retries\` the method runs again: a person who has refused is asked again. If a refusal is
final, write \`retries: 0\`.`,
    wrong: {
      "peach.conf": `tasks:
  approve: {method: approve, external: true, retries: 2}
`,
      "wrangler.toml": `[vars]
PEACH_URL = "https://pipelines.example"
`,
    },
    right: {
      "peach.conf": `tasks:
  approve: {method: approve, external: true, retries: 0}
`,
      "wrangler.toml": `[vars]
PEACH_URL = "https://pipelines.example"
`,
    },
  },
  PEACH723: {
    severity: "warning",
    title: "A secret that no file provides",
    explanation: `
An endpoint verifies signatures with a secret, and neither \`.dev.vars\`, nor
\`.dev.vars.example\`, nor wrangler.toml names it. Without its secret the endpoint refuses every
delivery. The value belongs into no file of a repository: \`.dev.vars.example\` lists the names
that a deployment needs, and \`npx wrangler secret put NAME\` sets a value.`,
    wrong: {
      "peach.conf": `endpoints:
  hook: {method: hook, auth: {signature: github, secret: GITHUB_SECRET}}
`,
      ".dev.vars.example": "",
    },
    right: {
      "peach.conf": `endpoints:
  hook: {method: hook, auth: {signature: github, secret: GITHUB_SECRET}}
`,
      ".dev.vars.example": `GITHUB_SECRET=
`,
    },
  },
  PEACH724: {
    severity: "warning",
    title: "Two schedules of a task meet",
    explanation: `
Two schedules of a task are due at the same time and carry the same payload, so two runs do the
same work side by side. Let one of them leave out the times of the other. Schedules with different
payloads may meet.`,
    wrong: `tasks:
  report:
    method: report
    schedule: ["0 3 * * *", "0 3 1 * *"]
`,
    right: `tasks:
  report:
    method: report
    schedule: ["0 3 2-31 * *", {cron: "0 3 1 * *", payload: {month: true}}]
`,
  },
  PEACH725: {
    severity: "warning",
    title: "A debounce that a steady source postpones",
    explanation: `
Each trigger postpones the run by \`delay\`. As long as triggers keep coming faster than that, no
run starts: uploads and events that share one key may do so, and a schedule that is due more often
than \`delay\` does. \`max_wait\` is the longest time from the first trigger to the run.`,
    wrong: `tasks:
  index:
    method: index
    on: {event: article.changed}
    debounce: {delay: 10s}
`,
    right: `tasks:
  index:
    method: index
    on: {event: article.changed}
    debounce: {delay: 10s, max_wait: 5m}
`,
  },
  PEACH726: {
    severity: "warning",
    title: "A step whose name varies",
    explanation: `
A later attempt finds what a step has done by the step's name. A name with the time, with chance
or with the number of the attempt is another one in each attempt, so the step is done again. Make
the name from the payload, or from the index of a loop.`,
    wrong: {
      "peach.conf": `tasks:
  send: {method: send}
`,
      "src/pipelines/mail.ts": `import { step } from "peach/task-helpers";
export async function send(to: string) {
  await step(\`send \${Date.now()}\`, () => fetch(to));
}
`,
    },
    right: {
      "peach.conf": `tasks:
  send: {method: send}
`,
      "src/pipelines/mail.ts": `import { step } from "peach/task-helpers";
export async function send(to: string) {
  await step(\`send \${to}\`, () => fetch(to));
}
`,
    },
  },
  PEACH727: {
    severity: "warning",
    title: "A trigger that nothing awaits",
    explanation: `
The promise of a trigger is dropped: the code after it does not know the run, and cannot catch the
error. Peach finishes such a trigger before the attempt ends or the endpoint answers, and its
failure fails the attempt or the endpoint. Write \`await\`, or \`void\` if it is meant so.`,
    wrong: {
      "peach.conf": `tasks:
  send: {method: send, downstream: count}
  count: {method: count}
`,
      "src/pipelines/mail.ts": `import { triggerTaskWithEvent } from "peach/task-helpers";
export async function count() {}
export async function send(to: string) {
  triggerTaskWithEvent("count", to);
}
`,
    },
    right: {
      "peach.conf": `tasks:
  send: {method: send, downstream: count}
  count: {method: count}
`,
      "src/pipelines/mail.ts": `import { triggerTaskWithEvent } from "peach/task-helpers";
export async function count() {}
export async function send(to: string) {
  await triggerTaskWithEvent("count", to);
}
`,
    },
  },
  PEACH728: {
    severity: "warning",
    title: "A comment that silences nothing",
    explanation: `
\`# peach-ignore: CODE REASON\` silences a warning of this code on its own line or on the line
below; in a file of the pipelines the comment begins with \`//\`. A comment without such a
warning is in the way: it would hide the next one. A reason is needed. Errors cannot be silenced.`,
    wrong: {
      "peach.conf": `tasks:
  transcribe: {method: transcribe}   # peach-ignore: PEACH721 triggered by hand
`,
      "src/pipelines/audio.ts": `export async function transcribe() {}
`,
    },
    right: {
      "peach.conf": `tasks:
  # peach-ignore: PEACH721 triggered by hand, by an administrator
  transcribe: {method: transcribe, callable: false}
`,
      "src/pipelines/audio.ts": `export async function transcribe() {}
`,
    },
  },
} as const satisfies Definitions;
