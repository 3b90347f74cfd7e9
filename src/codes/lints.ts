/** Codes 7xx: warnings about what may be intended, and probably is not. */
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
} as const satisfies Definitions;
