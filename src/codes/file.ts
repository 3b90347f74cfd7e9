/** Codes 0xx: peach.conf as a file of YAML. */
import type { Definitions } from "./definition.ts";

export const FILE = {
  PEACH001: {
    severity: "error",
    title: "The file cannot be read",
    explanation: `
Peach reads \`peach.conf\`, a file or a folder, and without one \`peach.conf.example\`. The
variable \`PEACH_CONF\` names another file or folder. The named file does not exist, or you may
not read it.`,
    wrong: {
      "peach.yaml": `tasks:
  transcribe: {method: transcribe}
`,
    },
    right: {
      "peach.conf": `tasks:
  transcribe: {method: transcribe}
`,
    },
  },
  PEACH002: {
    severity: "error",
    title: "The file is empty",
    explanation: `
A \`peach.conf\` has at least one task or endpoint. The file has no key at all: comments are
none. If \`peach.conf\` is a folder, it has no file that ends in \`.yaml\` or \`.yml\`, or only
empty ones.`,
    wrong: `# tasks:
#   transcribe: {method: transcribe}
`,
    right: `tasks:
  transcribe: {method: transcribe}
`,
  },
  PEACH003: {
    severity: "error",
    title: "The file is not valid YAML",
    explanation: `
The text at this place cannot be read as YAML. Usual reasons are a bracket, brace or quote that
is not closed, and characters that have a meaning of their own in YAML. Put a text with such
characters in quotes.`,
    wrong: `tasks:
  transcribe:
    method: transcribe
    downstream: [archive
  archive:
    method: archive
`,
    right: `tasks:
  transcribe:
    method: transcribe
    downstream: [archive]
  archive:
    method: archive
`,
  },
  PEACH004: {
    severity: "error",
    title: "A tab indents a line",
    explanation: `
YAML is indented with spaces only, since a tab has no fixed width. Most editors can replace tabs
by spaces.`,
    wrong: `tasks:
\ttranscribe: {method: transcribe}
`,
    right: `tasks:
  transcribe: {method: transcribe}
`,
  },
  PEACH005: {
    severity: "error",
    title: "A key stands twice in one mapping",
    explanation: `
A mapping has each key once. With two, one value would silently win. Remove one of the two, or
rename one if they are different tasks.`,
    wrong: `tasks:
  transcribe:
    method: transcribe
    timeout: 1m
    timeout: 2m
`,
    right: `tasks:
  transcribe:
    method: transcribe
    timeout: 2m
`,
  },
  PEACH006: {
    severity: "error",
    title: "The file has several documents",
    explanation: `
A line \`---\` begins another YAML document, and Peach reads one document a file. Remove the
line. To spread a large conf over several files, make \`peach.conf\` a folder with files that
end in \`.yaml\`.`,
    wrong: `tasks:
  transcribe: {method: transcribe}
---
endpoints:
  hook: {method: hook}
`,
    right: `tasks:
  transcribe: {method: transcribe}
endpoints:
  hook: {method: hook}
`,
  },
  PEACH007: {
    severity: "error",
    title: "A key is not a text",
    explanation: `
A key of a mapping is a text. YAML also allows lists, mappings and aliases as keys, and Peach
has no use for them. Square brackets and braces at the beginning of a key are usually a slip.`,
    wrong: `tasks:
  [transcribe]: {method: transcribe}
`,
    right: `tasks:
  transcribe: {method: transcribe}
`,
  },
  PEACH008: {
    severity: "error",
    title: "An alias has no anchor",
    explanation: `
\`*name\` repeats the value that \`&name\` marks further up in the same file. No such mark
stands before this alias. A text that begins with \`*\`, such as a cron expression, must be in
quotes.`,
    wrong: `tasks:
  transcribe:
    method: transcribe
    retries: *careful
`,
    right: `tasks:
  recommend:
    method: recommend
    retries: &careful {limit: 9}
  transcribe:
    method: transcribe
    retries: *careful
`,
  },
  PEACH009: {
    severity: "error",
    title: "A merge key has no mapping to merge",
    explanation: `
\`<<: *name\` takes over the keys of the mapping that \`&name\` marks. Its value is the alias of
a mapping, or a list of such aliases, and nothing else.`,
    wrong: `tasks:
  transcribe:
    <<: careful
    method: transcribe
`,
    right: `tasks:
  recommend: &careful
    method: recommend
    retries: 9
  transcribe:
    <<: *careful
    method: transcribe
`,
  },
  PEACH010: {
    severity: "error",
    title: "Aliases expand without end",
    explanation: `
Each alias stands for a copy of its anchor's value. Here an anchor contains its own alias, or
aliases of aliases multiply to more than a file should hold. Write some of the values out.`,
    wrong: `tasks:
  transcribe: &base
    method: transcribe
    <<: *base
`,
    right: `tasks:
  transcribe: &base
    method: transcribe
  recommend:
    <<: *base
    method: recommend
`,
  },
  PEACH011: {
    severity: "error",
    title: "A name stands in two files of the folder",
    explanation: `
If \`peach.conf\` is a folder, its files are read as one conf. \`tasks\` and \`endpoints\` may
be spread over several files, each name in one of them. Every other key stands in a single file.`,
    wrong: {
      "peach.conf/audio.yaml": `tasks:
  transcribe: {method: transcribe}
`,
      "peach.conf/video.yaml": `tasks:
  transcribe: {method: transcribe_video}
`,
    },
    right: {
      "peach.conf/audio.yaml": `tasks:
  transcribe: {method: transcribe}
`,
      "peach.conf/video.yaml": `tasks:
  transcribe_video: {method: transcribe_video}
`,
    },
  },
} as const satisfies Definitions;
