/** Codes 3xx: the functions that peach.conf names, and the files that export them. */
import type { Definitions } from "./definition.ts";

export const METHODS = {
  PEACH301: {
    severity: "error",
    title: "No file exports this function",
    explanation: `
\`method\` and \`fallback\` name a function that a file under \`src/pipelines\` exports. The
function is missing, has another name, or is not exported: \`export async function
transcribe(payload) {…}\`. The hint has the most similar export.`,
    wrong: {
      "peach.conf": `tasks:
  transcribe: {method: transcribe_audio}
`,
      "src/pipelines/audio.ts": `export async function transcribe() {}
`,
    },
    right: {
      "peach.conf": `tasks:
  transcribe: {method: transcribe}
`,
      "src/pipelines/audio.ts": `export async function transcribe() {}
`,
    },
  },
  PEACH302: {
    severity: "error",
    title: "Several files export this function",
    explanation: `
Two files under \`src/pipelines\` export a function of this name, and \`peach.conf\` does not
say which one is meant. Name the file by \`module\`, its path under the folder without \`.ts\`,
or rename one of the functions.`,
    wrong: {
      "peach.conf": `tasks:
  convert: {method: convert}
`,
      "src/pipelines/audio.ts": `export async function convert() {}
`,
      "src/pipelines/video.ts": `export async function convert() {}
`,
    },
    right: {
      "peach.conf": `tasks:
  convert: {method: convert, module: audio}
`,
      "src/pipelines/audio.ts": `export async function convert() {}
`,
      "src/pipelines/video.ts": `export async function convert() {}
`,
    },
  },
  PEACH303: {
    severity: "error",
    title: "No such module",
    explanation: `
\`module\` is the path of a file under \`src/pipelines\`, without \`.ts\`: \`audio\` is the file
audio.ts in this folder, and \`news/audio\` the file audio.ts in its subfolder news.`,
    wrong: {
      "peach.conf": `tasks:
  convert: {method: convert, module: adio}
`,
      "src/pipelines/audio.ts": `export async function convert() {}
`,
    },
    right: {
      "peach.conf": `tasks:
  convert: {method: convert, module: audio}
`,
      "src/pipelines/audio.ts": `export async function convert() {}
`,
    },
  },
  PEACH304: {
    severity: "error",
    title: "A pipeline file does not parse",
    explanation: `
The file has a syntax error, so that its exports are not all known. Mend it first: a method that
may stand behind the error is not looked for until the file parses.`,
    wrong: {
      "peach.conf": `tasks:
  convert: {method: convert}
`,
      "src/pipelines/audio.ts": `export async function convert() {}
const quality = ;
`,
    },
    right: {
      "peach.conf": `tasks:
  convert: {method: convert}
`,
      "src/pipelines/audio.ts": `export async function convert() {}
const quality = 5;
`,
    },
  },
  PEACH305: {
    severity: "error",
    title: "The pipelines folder cannot be read",
    explanation: `
The functions of a project stand in \`src/pipelines\`, or in the folder that the variable
\`PEACH_PIPELINES\` names. There is no such folder, or you may not read it.`,
    wrong: {
      "peach.conf": `tasks:
  convert: {method: convert}
`,
      "pipelines/audio.ts": `export async function convert() {}
`,
    },
    right: {
      "peach.conf": `tasks:
  convert: {method: convert}
`,
      "src/pipelines/audio.ts": `export async function convert() {}
`,
    },
  },
  PEACH306: {
    severity: "error",
    title: "The method is no task",
    explanation: `
The export exists, but is no function and was not made by \`task({...})\`. It may be a constant
or a class of the same name.`,
    wrong: {
      "peach.conf": `tasks:
  convert: {method: convert}
`,
      "src/pipelines/audio.ts": `export const convert = { quality: 5 };
`,
    },
    right: {
      "peach.conf": `tasks:
  convert: {method: convert}
`,
      "src/pipelines/audio.ts": `export const convert = async () => ({ quality: 5 });
`,
    },
  },
  PEACH307: {
    severity: "error",
    title: "The method is no endpoint",
    explanation: `
An endpoint is a plain function \`(request, endpoint) => answer\`. The export is something else,
or a task that was made by \`task({...})\`: tasks are called by Peach alone.`,
    wrong: {
      "peach.conf": `endpoints:
  hook: {method: hook, auth: token}
`,
      "src/pipelines/audio.ts": `export const hook = "/hook";
`,
    },
    right: {
      "peach.conf": `endpoints:
  hook: {method: hook, auth: token}
`,
      "src/pipelines/audio.ts": `export const hook = () => ({ ok: true });
`,
    },
  },
  PEACH308: {
    severity: "error",
    title: "A pipeline file cannot be bundled",
    explanation: `
A file imports something that does not exist, or that the bundler cannot read. Without the
bundle the schemas of the tasks are unknown, so their edges are not checked, and there is
nothing to deploy.`,
    wrong: {
      "peach.conf": `tasks:
  convert: {method: convert}
`,
      "src/pipelines/audio.ts": `import { rate } from "./rates.ts";
export const convert = async () => rate;
`,
    },
    right: {
      "peach.conf": `tasks:
  convert: {method: convert}
`,
      "src/pipelines/audio.ts": `import { rate } from "./rates.ts";
export const convert = async () => rate;
`,
      "src/pipelines/rates.ts": `export const rate = 44_100;
`,
    },
  },
} as const satisfies Definitions;
