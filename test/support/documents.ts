/** The documents as tests read them, that hold them beside what they describe. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** The pages for users: everything but design, decisions and proofs. */
export function userPages(): string[] {
  return pages().filter((path) => !/^docs\/(design|decisions|proof)\/|^(CHANGELOG|CONTRIBUTING)/.test(path));
}

/** Every page of the repository but those of tests. */
export function pages(): string[] {
  const listed = ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"];
  const paths = execFileSync("git", listed, { encoding: "utf8" }).trim().split("\n");
  return paths.filter((path) => !/^(test|\.github)\//.test(path)).toSorted();
}

export function page(path: string): string {
  return readFileSync(path, "utf8");
}

/** The text of a page under this heading, up to the next one. Throws if there is no such heading. */
export function sectionUnder(path: string, heading: string): string {
  const [, after] = `\n${page(path)}`.split(`\n${heading}\n`);
  if (after === undefined) throw new Error(`${path} has no heading ${heading}`);
  return after.split(/\n#{1,4} /)[0] ?? "";
}

/** The rows of the tables under this heading that begin with code: their cells. */
export function rowsUnder(path: string, heading: string): string[][] {
  const lines = sectionUnder(path, heading).split("\n");
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
export function namesUnder(path: string, heading: string): string[] {
  return rowsUnder(path, heading).flatMap(([cell = ""]) =>
    codesIn(cell).flatMap((code) => /^[\w.-]+/.exec(code)?.[0] ?? []),
  );
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
