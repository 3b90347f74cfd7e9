/** Codes 1xx: a single key or value of peach.conf. */
import type { Definitions } from "./definition.ts";

export const KEYS = {
  // Keys, and the kinds of their values.
  PEACH101: {
    severity: "error",
    title: "Unknown key",
    explanation: `
This mapping has no such key. The hint lists the keys that it has and the most similar one. A
key that is indented too little or too much belongs to another mapping than the one that was
meant.`,
    wrong: `tasks:
  transcribe:
    method: transcribe
    time_out: 5m
`,
    right: `tasks:
  transcribe:
    method: transcribe
    timeout: 5m
`,
  },
  PEACH102: {
    severity: "error",
    title: "A required key is missing",
    explanation: `
The mapping needs this key: it has no default. Every task names its \`method\`, and so does
every endpoint.`,
    wrong: `tasks:
  transcribe:
    timeout: 5m
`,
    right: `tasks:
  transcribe:
    method: transcribe
    timeout: 5m
`,
  },
  PEACH103: {
    severity: "error",
    title: "A value of the wrong kind",
    explanation: `
The message says what is expected here and what was given: a list where a text belongs, a text
where a mapping belongs, or a text of another form. Values such as \`5\`, \`true\` and \`null\`
are no texts in YAML: put them in quotes where a text is meant.`,
    wrong: `tasks:
  transcribe:
    method: transcribe
    description: 5
`,
    right: `tasks:
  transcribe:
    method: transcribe
    description: "5"
`,
  },
  PEACH104: {
    severity: "error",
    title: "Not a duration or a size",
    explanation: `
A duration is a whole number with a unit: \`250ms\`, \`30s\`, \`5m\`, \`2h\`, \`7d\`. A size is
one with \`B\`, \`KB\` or \`MB\`: \`0B\`, \`64KB\`, \`10MB\`. There is no space between them, no
fraction, and no unit that is assumed.`,
    wrong: `tasks:
  transcribe:
    method: transcribe
    timeout: 30
`,
    right: `tasks:
  transcribe:
    method: transcribe
    timeout: 30s
`,
  },
  PEACH105: {
    severity: "error",
    title: "A value outside its limits",
    explanation: `
The number, duration or size is smaller or larger than this key allows. The message has the
limit. Many limits are those of the platform: an attempt of a task, for example, takes at most
14 minutes. Longer work is done elsewhere by an \`external\` task.`,
    wrong: `tasks:
  transcribe:
    method: transcribe
    timeout: 20m
`,
    right: `tasks:
  transcribe:
    method: transcribe
    timeout: 14m
`,
  },
  PEACH106: {
    severity: "error",
    title: "Not one of the words of this key",
    explanation: `
The key has a fixed list of values, which the message names. They are written in exactly this
way: \`POST\`, not \`post\`.`,
    wrong: `tasks:
  transcribe: {method: transcribe, dispatch: fast}
`,
    right: `tasks:
  transcribe: {method: transcribe, dispatch: direct}
`,
  },
  PEACH107: {
    severity: "error",
    title: "A key that the value beside it excludes",
    explanation: `
The key is known, but has no effect with the value of another key in the same mapping: of the
signature schemes only \`hmac-sha256\`, for example, lets you choose the header. Remove the key.`,
    wrong: `endpoints:
  push:
    method: push
    auth: {signature: github, secret: GITHUB_SECRET, header: x-mine}
`,
    right: `endpoints:
  push:
    method: push
    auth: {signature: github, secret: GITHUB_SECRET}
`,
  },
  // Names.
  PEACH108: {
    severity: "error",
    title: "Not the name of a task, an endpoint or a part of one",
    explanation: `
A name begins with a letter or \`_\`, goes on with letters, digits, \`_\` and \`-\`, and has at
most 64 of them. Names are part of addresses, metrics and payloads, so they hold no dots,
slashes or spaces.`,
    wrong: `tasks:
  audio.transcribe: {method: transcribe}
`,
    right: `tasks:
  audio_transcribe: {method: transcribe}
`,
  },
  PEACH109: {
    severity: "error",
    title: "Tasks or endpoints are no mapping of names",
    explanation: `
Under \`tasks\` and \`endpoints\` stand names, and under each name its keys. A list does not
work: the name is the key.`,
    wrong: `tasks:
  - method: transcribe
`,
    right: `tasks:
  transcribe:
    method: transcribe
`,
  },
  PEACH110: {
    severity: "error",
    title: "Neither tasks nor endpoints",
    explanation: `
A project has at least one task or endpoint. The file has other keys only.`,
    wrong: `retention: 7d
`,
    right: `retention: 7d
tasks:
  transcribe: {method: transcribe}
`,
  },
  // Values with a notation of their own.
  PEACH111: {
    severity: "error",
    title: "Not a cron expression",
    explanation: `
A cron expression has five fields: minutes, hours, day of month, month, day of week. A sixth
field, in front, is seconds. \`@hourly\`, \`@daily\`, \`@weekly\`, \`@monthly\` and \`@yearly\`
stand for the usual ones. An expression that is never due, such as the 31st of February, is
refused too. Put the expression in quotes: \`*\` has a meaning of its own in YAML.`,
    wrong: `tasks:
  report: {method: report, schedule: every 5 minutes}
`,
    right: `tasks:
  report: {method: report, schedule: "*/5 * * * *"}
`,
  },
  PEACH112: {
    severity: "error",
    title: "Not a time zone",
    explanation: `
A time zone is a name of the IANA database, such as \`Europe/Zurich\`, or \`UTC\`. Offsets such
as \`+02:00\` are refused: they know no daylight saving.`,
    wrong: `tasks:
  report:
    method: report
    schedule: {cron: "0 3 * * *", timezone: Zurich}
`,
    right: `tasks:
  report:
    method: report
    schedule: {cron: "0 3 * * *", timezone: Europe/Zurich}
`,
  },
  PEACH113: {
    severity: "error",
    title: "A payload that JSON cannot hold",
    explanation: `
The payload of a schedule travels as JSON. \`.nan\`, \`.inf\`, whole numbers beyond 2^53 and
values that contain themselves have no exact JSON form, and a payload of more than 128 KB would
travel with every run. Write a large number as a text, in quotes.`,
    wrong: `tasks:
  report:
    method: report
    schedule: {cron: "0 3 * * *", payload: {ratio: .nan}}
`,
    right: `tasks:
  report:
    method: report
    schedule: {cron: "0 3 * * *", payload: {ratio: null}}
`,
  },
  PEACH114: {
    severity: "error",
    title: "A retry delay above max_delay",
    explanation: `
\`delay\` is the time before the first retry, and \`max_delay\` the longest time before any
retry. With a longer \`delay\` it would never be used.`,
    wrong: `tasks:
  transcribe:
    method: transcribe
    retries: {delay: 10m, max_delay: 1m}
`,
    right: `tasks:
  transcribe:
    method: transcribe
    retries: {delay: 1m, max_delay: 10m}
`,
  },
  PEACH115: {
    severity: "error",
    title: "A parameter that contradicts itself",
    explanation: `
The values of \`enum\` and \`default\` are values that a request may have: they have the type of the
parameter and keep to its other rules. \`minimum\` is at most \`maximum\`, and \`pattern\` is a regular
expression of JavaScript.`,
    wrong: `endpoints:
  recommendations:
    params: {limit: {type: integer, default: 100, maximum: 50}}
    components: {popular: {method: by_popularity}}
`,
    right: `endpoints:
  recommendations:
    params: {limit: {type: integer, default: 10, maximum: 50}}
    components: {popular: {method: by_popularity}}
`,
  },
} as const satisfies Definitions;
