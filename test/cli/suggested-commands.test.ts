/** Every command that the source tells a person to type: it exists, and has the options that are named. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { UsageError } from "../../src/cli/command.ts";
import { commandOf } from "../../src/cli/run.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Programs beside the commands: `npx peach dev`. */
const PROGRAMS = new Set(["dev", "demo", "deploy", "compile"]);

const COMMENTS = /\/\*\*[^]*?\*\//g;

/** The texts of the source: a value in a text stands as X, and lines that are joined as one. */
const SOURCES = globSync("src/**/*.{ts,tsx}", { cwd: ROOT }).map(
  (file) =>
    [
      file,
      readFileSync(join(ROOT, file), "utf8")
        .replaceAll(/\$\{(?!PEACH\})[^{}]*\}/g, "X")
        .replaceAll(/["`] \+\s*["`]/g, ""),
    ] as const,
);

/** What is suggested behind a beginning, by the file that does. */
function suggested(beginning: RegExp): { readonly file: string; readonly text: string }[] {
  return SOURCES.flatMap(([file, text]) =>
    [...text.matchAll(beginning)].map(([, rest = ""]) => ({ file, text: rest.trim() })),
  );
}

/**
 * The reason why a command line does not parse; null if it does. Words behind it belong to the sentence: they are in small
 * letters, and are left out from the end as long as it does not parse.
 */
function refusal(line: string): string | null {
  const [name = "", ...words] = line.split(/\s+/);
  const command = commandOf(name);
  if (command === undefined) return `there is no command ${name}`;
  let reason = "";
  for (let kept = words.length; kept >= 0; kept--) {
    try {
      command.prepare(words.slice(0, kept));
      return null;
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      reason = reason === "" ? error.message : reason;
    }
    if (!/^[a-z]+[.,:]?$/.test(words[kept - 1] ?? "")) break;
  }
  return reason;
}

const scripts = z.object({ scripts: z.record(z.string(), z.string()) });
const scriptsOf = (folder: string): Set<string> =>
  new Set(Object.keys(scripts.parse(JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8"))).scripts));

describe("a command that Peach suggests", () => {
  it("a suggested command of peach exists, with its words and options", () => {
    // The lines to try are made of parts; they have a test of their own.
    const found = suggested(/(?:npm run peach --|\$\{PEACH\}) ([^`"\n;,()<]+)/g).filter(
      ({ file }) => !file.endsWith("try-lines.ts"),
    );
    expect(found.length).toBeGreaterThan(12);
    const wrong = found.flatMap(({ file, text }) => {
      const reason = refusal(text);
      return reason === null ? [] : [`${file}: ${text}: ${reason}`];
    });
    expect(wrong).toEqual([]);
  });

  it("a suggested command begins as Peach is installed: a package has no script that starts it", () => {
    const ofTerminals = SOURCES.filter(([file]) => /^src\/(cli|local)\//.test(file));
    expect(ofTerminals.length).toBeGreaterThan(100);
    const fixed = ofTerminals.filter(([, text]) => /npm run peach -- [a-z]/.test(text.replaceAll(COMMENTS, "")));
    expect(fixed.map(([file]) => file)).toEqual([]);
  });

  it("a suggested program of npx peach exists", () => {
    const found = suggested(/npx peach ([a-z-]+)/g);
    expect(found.length).toBeGreaterThan(3);
    expect(found.filter(({ text }) => !PROGRAMS.has(text) && commandOf(text) === undefined)).toEqual([]);
  });

  it("a suggested script is one of the clone or of every project", () => {
    const projects = globSync("templates/*/package.json", { cwd: ROOT }).map((file) => scriptsOf(join(file, "..")));
    const clone = scriptsOf(".");
    const found = suggested(/npm run (?!--)([a-z:-]+)/g);
    expect(found.length).toBeGreaterThan(12);
    expect(found.filter(({ text }) => !clone.has(text) && !projects.every((names) => names.has(text)))).toEqual([]);
  });

  it.each(["runs --sttaus failed", "retryy X", "logs X X X", "items X"])(
    "a suggestion such as `peach %s` does not pass",
    (line) => {
      expect(refusal(line)).not.toBeNull();
    },
  );
});
