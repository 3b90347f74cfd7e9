/** The page of the reference about diagnostics, made from the definitions of their codes. */
import { type Code, CODE_GROUPS, CODES } from "../../src/codes/codes.ts";
import type { Example } from "../../src/codes/definition.ts";
import { checkExample, filesOf } from "./code-examples.ts";

const INTRODUCTION = `# Diagnostics

Each problem that \`peach check\` reports has a code. A code never changes its meaning. An error prevents
the deployment; a warning does not, and [a comment silences it](cli.md#warnings-and-how-to-silence-them).

\`npm run peach -- check --explain PEACH203\` shows the same text in the terminal.
`;

/** Makes the page. Each wrong example is compiled for the message that stands below it. */
export async function codePage(): Promise<string> {
  const parts = [INTRODUCTION, tableOfCodes()];
  for (const { title, codes } of CODE_GROUPS) {
    parts.push(`## ${title}\n`);
    for (const code of codes) parts.push(await sectionOf(code));
  }
  return parts.join("\n");
}

function tableOfCodes(): string {
  const rows = Object.entries(CODES).map(
    ([code, { severity, title }]) => `| [${code}](#${code.toLowerCase()}) | ${severity} | ${title} |`,
  );
  return `| code | severity | title |\n| --- | --- | --- |\n${rows.join("\n")}\n`;
}

async function sectionOf(code: Code): Promise<string> {
  const { severity, title, explanation, wrong, right } = CODES[code];
  const parts = [`### ${code}`, `**${title}** (${severity})`, explanation.trim()];
  if (wrong !== null) parts.push("Wrong:", ...blocksOf(wrong), "gives", block((await checkExample(wrong)).text));
  if (right !== null) parts.push("Right:", ...blocksOf(right));
  return `${parts.join("\n\n")}\n`;
}

function blocksOf(example: Example): string[] {
  const files = Object.entries(filesOf(example));
  return files.map(([path, text]) => block(path === "peach.conf" && files.length === 1 ? text : `# ${path}\n${text}`));
}

/** A block without a language: parts of peach.conf that compile are marked `yaml` elsewhere. */
function block(text: string): string {
  return `\`\`\`\n${text.trimEnd()}\n\`\`\``;
}
