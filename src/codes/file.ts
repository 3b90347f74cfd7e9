/** Codes 0xx: peach.conf as a file of YAML. */
import type { Definitions } from "./definition.ts";

export const FILE = {
  // Files and folders.
  PEACH001: {
    severity: "error",
    title: "The file cannot be read",
    explanation: `
Peach reads \`peach.conf\`, a file or a folder, and without one \`peach.conf.example\`. The
variable \`PEACH_CONF\` names another file or folder. The named file does not exist, or you may
not read it, or a folder holds a pipe, a socket or a device under the name of a YAML file.`,
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
  // Errors of the YAML parser.
  PEACH003: {
    severity: "error",
    title: "The file is not valid YAML",
    explanation: `
The text at this place cannot be read as YAML. Usual reasons are characters that have a meaning of
their own, such as a backslash in double quotes. Put a text with such characters in single quotes.
The usual slips have codes of their own.`,
    wrong: `tasks:
  transcribe:
    method: transcribe
    description: "Reads C:\\calls"
`,
    right: `tasks:
  transcribe:
    method: transcribe
    description: 'Reads C:\\calls'
`,
  },
  PEACH004: {
    severity: "error",
    title: "A line is indented with something else than spaces",
    explanation: `
YAML is indented with spaces only, since a tab has no fixed width. A text that was copied from a web
page or a document may also begin with characters that only look like spaces. Most editors can show
such characters, and replace tabs by spaces.`,
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
  // Anchors and aliases.
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
  // Usual slips of syntax, recognised by `src/compiler/yaml-faults.ts`.
  PEACH012: {
    severity: "error",
    title: "A quote is not closed",
    explanation: `
A text in quotes ends at the next quote of the same kind. Without one it goes on over the following
lines. Put the quote behind the text. A quote within double quotes is written \`\\"\`, and an apostrophe
within single quotes twice.`,
    wrong: `tasks:
  transcribe:
    method: transcribe
    description: "Speech to text
    timeout: 5m
`,
    right: `tasks:
  transcribe:
    method: transcribe
    description: "Speech to text"
    timeout: 5m
`,
  },
  PEACH013: {
    severity: "error",
    title: "Text behind a closing quote or bracket",
    explanation: `
A value that begins with a quote or a bracket ends with the closing one. What follows in the line is
neither part of the value nor a comment. An apostrophe within single quotes ends the text too: write it
twice, or put the text in double quotes. Lines of YAML end without a comma.`,
    wrong: `tasks:
  transcribe:
    method: transcribe
    description: 'The editor's text'
`,
    right: `tasks:
  transcribe:
    method: transcribe
    description: "The editor's text"
`,
  },
  PEACH014: {
    severity: "error",
    title: "A text that must be in quotes",
    explanation: `
A text without quotes must not begin with \`*\`, \`&\`, \`!\`, \`@\`, \`%\`, \`|\`, \`>\`, \`?\` or a backtick: these
have a meaning of their own in YAML. The usual case is a cron expression that begins with \`*\`.`,
    wrong: `tasks:
  report:
    method: report
    schedule: */5 * * * *
`,
    right: `tasks:
  report:
    method: report
    schedule: "*/5 * * * *"
`,
  },
  PEACH015: {
    severity: "error",
    title: "A space is missing",
    explanation: `
A space stands after the colon of a key, after the dash of a list item, and before the \`#\` of a
comment. Without it the mark is part of a text.`,
    wrong: `tasks:
  transcribe:
    method:transcribe
    timeout: 5m
`,
    right: `tasks:
  transcribe:
    method: transcribe
    timeout: 5m
`,
  },
  PEACH016: {
    severity: "error",
    title: "A colon is missing",
    explanation: `
A key ends with a colon. This line holds a text alone in a place where a key stands.`,
    wrong: `tasks:
  transcribe
    method: transcribe
`,
    right: `tasks:
  transcribe:
    method: transcribe
`,
  },
  PEACH017: {
    severity: "error",
    title: "A line with the wrong indentation",
    explanation: `
The keys of one mapping, and the items of one list, are indented by the same number of spaces. What
belongs to a key stands below it, indented further. This line is indented as no line above, or stands
where only items of a list, or only keys, can stand.`,
    wrong: `tasks:
  transcribe:
    method: transcribe
   timeout: 5m
`,
    right: `tasks:
  transcribe:
    method: transcribe
    timeout: 5m
`,
  },
  PEACH018: {
    severity: "error",
    title: "A colon within a text without quotes",
    explanation: `
A colon with a space behind it ends a key. A text that holds one must be in quotes. If two keys were
meant, the second begins a new line, indented further than the first.`,
    wrong: `tasks:
  transcribe:
    method: transcribe
    description: Step 1: speech to text
`,
    right: `tasks:
  transcribe:
    method: transcribe
    description: "Step 1: speech to text"
`,
  },
  PEACH019: {
    severity: "error",
    title: "A bracket without its counterpart",
    explanation: `
Each \`{\` needs its \`}\`, and each \`[\` its \`]\`, in the right order. The message shows the bracket that has
none. A text that holds brackets is clearer in quotes.`,
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
  PEACH020: {
    severity: "error",
    title: "A comma is missing",
    explanation: `
Within brackets, a comma stands between the items of a list and between the keys of a mapping.`,
    wrong: `tasks:
  transcribe: {method: transcribe timeout: 5m}
`,
    right: `tasks:
  transcribe: {method: transcribe, timeout: 5m}
`,
  },
  // Characters and indentation.
  PEACH021: {
    severity: "error",
    title: "The file is not UTF-8",
    explanation: `
Peach reads files as UTF-8. This one holds characters that a text has only in another encoding, such
as UTF-16, which some editors call Unicode. Save it as UTF-8.`,
    wrong: `\uFFFD\uFFFDtasks:
  transcribe: {method: transcribe}
`,
    right: `tasks:
  transcribe: {method: transcribe}
`,
  },
  PEACH022: {
    severity: "error",
    title: "Keys that are indented too little",
    explanation: `
The keys of a task or an endpoint stand below its name, indented further than the name, and the names
below \`tasks\` or \`endpoints\`. Here they are indented as far as the key that they belong to.`,
    wrong: `tasks:
  transcribe:
  method: transcribe
  timeout: 5m
`,
    right: `tasks:
  transcribe:
    method: transcribe
    timeout: 5m
`,
  },
} as const satisfies Definitions;
