/** The README as tests read it, that hold it beside what it describes. */
import { readFileSync } from "node:fs";

export const README = readFileSync("README.md", "utf8");

/** The text under this heading, up to the next one. Throws if there is no such heading. */
export function sectionUnder(heading: string): string {
  const [, after] = README.split(`\n${heading}\n`);
  if (after === undefined) throw new Error(`the README has no heading ${heading}`);
  return after.split(/\n#{1,4} /)[0] ?? "";
}

/** The rows of the tables under this heading that begin with code: their cells. */
export function rowsUnder(heading: string): string[][] {
  const lines = sectionUnder(heading).split("\n");
  return lines.flatMap((line) => {
    if (!line.trimStart().startsWith("| `")) return [];
    return [
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    ];
  });
}

/** What stands between backticks. */
export function codesIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].flatMap(([, code]) => code ?? []);
}

/** What the rows under this heading begin with: the names, without what they take. */
export function namesUnder(heading: string): string[] {
  return rowsUnder(heading).flatMap(([cell = ""]) => codesIn(cell).flatMap((code) => /^[\w.-]+/.exec(code)?.[0] ?? []));
}

/** The code blocks of this language in the text, without the indentation of their list. */
export function blocksIn(text: string, language: string): string[] {
  const blocks = text.matchAll(new RegExp(`^( *)\`\`\`${language}\\n([\\s\\S]*?)^ *\`\`\`$`, "gm"));
  return [...blocks].map(([, indent = "", block = ""]) => block.replaceAll(new RegExp(`^${indent}`, "gm"), ""));
}

/** The first of them. Throws if there is none. */
export function blockIn(text: string, language: string): string {
  const [block] = blocksIn(text, language);
  if (block === undefined) throw new Error(`there is no block of ${language || "commands"}`);
  return block;
}
