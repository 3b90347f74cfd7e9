/** Codes 5xx: wrangler.toml beside peach.conf and beside the installed release. */
import type { Definitions } from "./definition.ts";

const TASK = "tasks:\n  convert: {method: convert}\n";
const ON_UPLOAD = "tasks:\n  convert:\n    method: convert\n    on: {r2: {bucket: uploads}}\n";
const UPLOADS = '[[r2_buckets]]\nbinding = "UPLOADS"\nbucket_name = "uploads"\n';
const PAYLOADS = '[[r2_buckets]]\nbinding = "PAYLOADS"\nbucket_name = "my-pipelines-payloads"\n';
/** Stands for the tables of templates/webhook/wrangler.toml, which the test puts here. */
export const REST_OF_TEMPLATE = "# and the tables that a new project has\n";

export const DEPLOYMENT = {
  PEACH501: {
    severity: "error",
    title: "wrangler.toml is not valid TOML",
    explanation: `
The file has a syntax error, so Peach cannot tell what the deployment binds. Texts are always in
quotes in TOML.`,
    wrong: {
      "peach.conf": TASK,
      "wrangler.toml": `name = my-pipelines
`,
    },
    right: {
      "peach.conf": TASK,
      "wrangler.toml": `name = "my-pipelines"
`,
    },
  },
  PEACH502: {
    severity: "error",
    title: "A configuration in a format that Peach does not read",
    explanation: `
Wrangler prefers \`wrangler.json\` and \`wrangler.jsonc\` to \`wrangler.toml\`. Peach reads TOML
only, so it would check another configuration than the one that is deployed. Write the content
as \`wrangler.toml\`, and delete the other file.`,
    wrong: {
      "peach.conf": TASK,
      "wrangler.jsonc": `{"name": "my-pipelines"}
`,
    },
    right: {
      "peach.conf": TASK,
      "wrangler.toml": `name = "my-pipelines"
`,
    },
  },
  PEACH503: {
    severity: "error",
    title: "A bucket that wrangler.toml does not bind",
    explanation: `
A task that is triggered by a bucket needs a binding of it in \`wrangler.toml\`. The hint has
the lines to add, and the most similar bucket that is bound. \`npm run dev\` binds missing
buckets locally by itself.`,
    wrong: { "peach.conf": ON_UPLOAD, "wrangler.toml": "" },
    right: { "peach.conf": ON_UPLOAD, "wrangler.toml": UPLOADS },
  },
  PEACH504: {
    severity: "error",
    title: "The bucket of payloads as a trigger",
    explanation: `
Peach keeps the payloads of runs in this bucket. A task that is triggered by it would be started
by Peach's own writes. Have what triggers the task put into a bucket of its own.`,
    wrong: {
      "peach.conf": `tasks:
  convert:
    method: convert
    on: {r2: {bucket: my-pipelines-payloads}}
`,
      "wrangler.toml": PAYLOADS,
    },
    right: { "peach.conf": ON_UPLOAD, "wrangler.toml": PAYLOADS + UPLOADS },
  },
  PEACH505: {
    severity: "error",
    title: "The bucket of payloads under open",
    explanation: `
\`open\` lists the addresses that \`openObject\` may read. The bucket of payloads is never among
them: it holds the data of other runs. A task reads what others have passed by
\`readFromParentTask\`.`,
    wrong: {
      "peach.conf": `tasks:
  convert: {method: convert, open: s3://my-pipelines-payloads/}
`,
      "wrangler.toml": PAYLOADS,
    },
    right: {
      "peach.conf": `tasks:
  convert: {method: convert, open: s3://uploads/}
`,
      "wrangler.toml": PAYLOADS,
    },
  },
  PEACH506: {
    severity: "error",
    title: "PEACH_CONSOLE_HOST is no host",
    explanation: `
The console answers only on the host that this variable names. A value that is no host would
lock out every user. It is written without scheme, port and path.`,
    wrong: {
      "peach.conf": TASK,
      "wrangler.toml": `[vars]
PEACH_CONSOLE_HOST = "https://console.example/"
`,
    },
    right: {
      "peach.conf": TASK,
      "wrangler.toml": `[vars]
PEACH_CONSOLE_HOST = "console.example"
`,
    },
  },
  PEACH507: {
    severity: "error",
    title: "wrangler.toml lacks what this release needs",
    explanation: `
The worker needs its object classes, its queues and its bucket of payloads. One of them is
missing, often after an upgrade: the deployed worker would fail. The hint has the lines to add,
and \`npx peach upgrade\` adds the object classes by itself.`,
    wrong: {
      "peach.conf": TASK,
      "wrangler.toml": `name = "my-pipelines"
main = "src/index.ts"
`,
    },
    right: {
      "peach.conf": TASK,
      "wrangler.toml": `name = "my-pipelines"
main = "src/index.ts"
${REST_OF_TEMPLATE}`,
    },
  },
} as const satisfies Definitions;
