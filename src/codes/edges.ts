/** Codes 6xx: the types of what tasks pass and take. */
import type { Definitions } from "./definition.ts";

const PAIR =
  "tasks:\n  measure: {method: measure, downstream: report}\n  report: {method: report}\n";
const IMPORTS = 'import { task } from "peach/task-helpers";\nimport { z } from "zod";\n\n';

export const EDGES = {
  PEACH601: {
    severity: "error",
    title: "An edge whose data does not fit",
    explanation: `
A task passes what the next one does not take: a value that the parent's \`output\` allows is
refused by the child's \`input\`. The message has the path of the first difference with both
types, and shows both declarations. Change one of them, or put a task between that converts the
data.`,
    wrong: {
      "peach.conf": PAIR,
      "src/pipelines/audio.ts": `${IMPORTS}export const measure = task({
  output: z.object({ seconds: z.number() }),
  run: async () => ({ seconds: 3 }),
});
export const report = task({ input: z.object({ seconds: z.string() }), run: async () => {} });
`,
    },
    right: {
      "peach.conf": PAIR,
      "src/pipelines/audio.ts": `${IMPORTS}export const measure = task({
  output: z.object({ seconds: z.number() }),
  run: async () => ({ seconds: 3 }),
});
export const report = task({ input: z.object({ seconds: z.number() }), run: async () => {} });
`,
    },
  },
  PEACH602: {
    severity: "warning",
    title: "An edge that cannot be decided",
    explanation: `
The check promises that every value of a checked edge is accepted. Here it can promise nothing:
only code that runs later decides, such as a refinement or a transform of zod. The message has
the reason, and the hint says what would make the edge decidable. Payloads are checked again at
run time, so a value that does not fit fails the task then.`,
    wrong: {
      "peach.conf": PAIR,
      "src/pipelines/audio.ts": `${IMPORTS}export const measure = task({ output: z.number(), run: async () => 3 });
export const report = task({ input: z.number().refine((n) => n % 2 === 1), run: async () => {} });
`,
    },
    right: {
      "peach.conf": PAIR,
      "src/pipelines/audio.ts": `${IMPORTS}export const measure = task({ output: z.number(), run: async () => 3 });
export const report = task({ input: z.number(), run: async () => {} });
`,
    },
  },
  PEACH603: {
    severity: "error",
    title: "An output that is no payload",
    explanation: `
Payloads are JSON values, texts, and, alone, bytes or a stream. Dates, maps, sets, bigints,
functions and instances of classes are none: they would not come out as they went in. Pass a
text or a number in their place, for example \`date.toISOString()\`.`,
    wrong: {
      "peach.conf": `tasks:
  measure: {method: measure}
`,
      "src/pipelines/audio.ts": `${IMPORTS}export const measure = task({
  output: z.object({ at: z.date() }),
  run: async () => ({ at: new Date() }),
});
`,
    },
    right: {
      "peach.conf": `tasks:
  measure: {method: measure}
`,
      "src/pipelines/audio.ts": `${IMPORTS}export const measure = task({
  output: z.object({ at: z.string() }),
  run: async () => ({ at: new Date().toISOString() }),
});
`,
    },
  },
  PEACH604: {
    severity: "error",
    title: "A schedule's payload does not fit its task",
    explanation: `
The \`payload\` of the schedule is refused by the \`input\` of the task, so that each of its
runs would fail. Correct the payload or the schema.`,
    wrong: {
      "peach.conf": `tasks:
  report:
    method: report
    schedule: {cron: "0 3 * * *", payload: {days: seven}}
`,
      "src/pipelines/audio.ts": `${IMPORTS}export const report = task({ input: z.object({ days: z.number() }), run: async () => {} });
`,
    },
    right: {
      "peach.conf": `tasks:
  report:
    method: report
    schedule: {cron: "0 3 * * *", payload: {days: 7}}
`,
      "src/pipelines/audio.ts": `${IMPORTS}export const report = task({ input: z.object({ days: z.number() }), run: async () => {} });
`,
    },
  },
  PEACH605: {
    severity: "error",
    title: "A trigger whose payload does not fit its task",
    explanation: `
Peach makes the payloads of schedules without \`payload\`, of objects in buckets, and of
\`on_failure\`. The \`input\` of the task refuses this one, so that each such run would fail.
The message shows what the trigger carries. Let the schema take it, or give the schedule a
\`payload\`.`,
    wrong: {
      "peach.conf": `tasks:
  report: {method: report, schedule: "0 3 * * *"}
`,
      "src/pipelines/audio.ts": `${IMPORTS}export const report = task({ input: z.object({ days: z.number() }), run: async () => {} });
`,
    },
    right: {
      "peach.conf": `tasks:
  report: {method: report, schedule: {cron: "0 3 * * *", payload: {days: 7}}}
`,
      "src/pipelines/audio.ts": `${IMPORTS}export const report = task({ input: z.object({ days: z.number() }), run: async () => {} });
`,
    },
  },
  PEACH606: {
    severity: "warning",
    title: "A pipeline file that cannot be evaluated",
    explanation: `
The check evaluates the files to read the schemas of their tasks. This file throws when it is
loaded here, so the edges of its tasks are not checked. A file that peach.conf does not name is
deployed as well: runs that an earlier peach.conf has started find their methods there. Code
outside of functions should need nothing that exists only in the deployment: read variables and
open connections inside the functions.`,
    wrong: {
      "peach.conf": `tasks:
  measure: {method: measure}
`,
      "src/pipelines/audio.ts": `const settings = JSON.parse("");

export const measure = async () => settings;
`,
    },
    right: {
      "peach.conf": `tasks:
  measure: {method: measure}
`,
      "src/pipelines/audio.ts": `export const measure = async () => JSON.parse("{}");
`,
    },
  },
  PEACH607: {
    severity: "error",
    title: "A component that takes other parameters",
    explanation: `
A component is called with the parameters that \`params\` declares. Its first parameter has a type
that does not accept them: a name is missing, a type differs, or a parameter may be absent.
\`RecommendationParams<"NAME">\` is the type that fits.`,
    wrong: {
      "peach.conf": `endpoints:
  recommendations:
    params: {user: {type: string, required: true}, limit: {type: integer, default: 10}}
    components: {popular: {method: by_popularity}}
`,
      "src/pipelines/popular.ts": `export function by_popularity({ limit }: { user: number; limit: number }): string[] {
  return ["news", "sport"].slice(0, limit);
}
`,
    },
    right: {
      "peach.conf": `endpoints:
  recommendations:
    params: {user: {type: string, required: true}, limit: {type: integer, default: 10}}
    components: {popular: {method: by_popularity}}
`,
      "src/pipelines/popular.ts": `export function by_popularity({ limit }: { user: string; limit: number }): string[] {
  return ["news", "sport"].slice(0, limit);
}
`,
    },
  },
} as const satisfies Definitions;
