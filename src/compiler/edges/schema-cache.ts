/**
 * Keeps the answers about the methods of a file, for the repeated checks of `peach dev`. An answer
 * holds until a file changes that the bundle of the method's file contains, or a package.json or
 * tsconfig.json that decides where imports lead. `check` and a deploy read everything anew.
 */
import { statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Metafile } from "esbuild";
import { readText } from "../read-file.ts";
import type { MethodAnswer, WantedMethod } from "./reader-questions.ts";

/**
 * The lag that the clock of the file system may have, in milliseconds. A file that has changed
 * since is not kept: the bundle may have its earlier text.
 */
const CLOCK_MS = 50;

/** The answers about the methods of one file. */
interface KeptFile {
  /** The states of the files behind the answers, by path. */
  readonly states: ReadonlyMap<string, string>;
  readonly answers: ReadonlyMap<string, MethodAnswer>;
}

/** The answers of earlier checks. */
export class SchemaCache {
  readonly #files = new Map<string, KeptFile>();

  /** Returns the answers that still hold, by the key of the method. */
  known(methods: readonly WantedMethod[]): Map<string, MethodAnswer> {
    const stateNow = stateReader();
    const found = new Map<string, MethodAnswer>();
    for (const [file, wanted] of Map.groupBy(methods, (method) => method.file)) {
      const kept = this.#files.get(file);
      const answers = wanted.map(({ key }) => kept?.answers.get(key));
      const isSame = [...(kept?.states ?? [])].every(([path, state]) => stateNow(path) === state);
      // A file is evaluated as a whole, so its answers are kept or read together.
      if (kept === undefined || !isSame || answers.includes(undefined)) this.#files.delete(file);
      else for (const [key, answer] of kept.answers) found.set(key, answer);
    }
    return found;
  }

  /** Keeps the answers about files whose bundle was begun at `begunAt`. */
  keep(
    methods: readonly WantedMethod[],
    answers: ReadonlyMap<string, MethodAnswer>,
    { inputs }: Metafile,
    begunAt: number,
  ): void {
    const stateNow = stateReader(begunAt - CLOCK_MS);
    // The stubs of Peach's own modules are no files.
    const files = Object.entries(inputs).filter(([path]) => !path.startsWith("stub:"));
    const byPath = new Map(files.map(([path, one]) => [resolve(path), one]));
    for (const [file, wanted] of Map.groupBy(methods, (method) => method.file)) {
      const paths = new Set([file]);
      for (const path of paths)
        for (const { path: next } of byPath.get(path)?.imports ?? [])
          if (byPath.has(resolve(next))) paths.add(resolve(next));
      const sources = [...paths].map((path) => [path, stateNow(path)] as const);
      const states = [
        ...sources,
        ...resolversOf(paths).map((path) => [path, stateNow(path)] as const),
      ];
      const own = wanted.flatMap(({ key }) => {
        const answer = answers.get(key);
        return answer === undefined || answer.type === "unread" ? [] : [[key, answer] as const];
      });
      const isWhole = own.length === wanted.length && states.every(([, state]) => state !== null);
      if (!isWhole || !byPath.has(file) || sources.some(([, state]) => state === ABSENT)) continue;
      const kept = states.flatMap(([path, state]) =>
        state === null ? [] : [[path, state] as const],
      );
      this.#files.set(file, { states: new Map(kept), answers: new Map(own) });
    }
  }
}

/**
 * Lists the files that decide where the imports of these files lead: each package.json and
 * tsconfig.json in a folder above, also an absent one, and each tsconfig that another one extends.
 */
function resolversOf(paths: ReadonlySet<string>): string[] {
  const folders = new Set([...paths].map((path) => dirname(path)));
  // The loops also visit what is added to the sets meanwhile.
  for (const folder of folders) folders.add(dirname(folder));
  const found = new Set(
    [...folders].flatMap((folder) => [join(folder, "package.json"), join(folder, "tsconfig.json")]),
  );
  for (const path of found)
    if (!path.endsWith("package.json")) for (const base of basesOf(path)) found.add(base);
  return [...found];
}

/** Lists the files that a tsconfig extends by a relative path, with and without the ending. */
function basesOf(path: string): string[] {
  const [, bases = ""] = /"extends"\s*:\s*("[^"]*"|\[[^\]]*\])/.exec(readText(path) ?? "") ?? [];
  return [...bases.matchAll(/"(\.[^"]*)"/g)].flatMap(([, base = ""]) => {
    const file = resolve(dirname(path), base);
    return file.endsWith(".json") ? [file] : [file, `${file}.json`];
  });
}

/** The state of a file that does not exist. */
const ABSENT = "absent";

/**
 * Returns a function that reads the state of a file, once for each file. The state is null for a
 * file that has changed since `notAfter`.
 */
function stateReader(notAfter = Number.POSITIVE_INFINITY): (path: string) => string | null {
  const states = new Map<string, string | null>();
  return (path) => {
    const known = states.get(path);
    if (known !== undefined) return known;
    const stats = statSync(path, { throwIfNoEntry: false });
    const state =
      stats === undefined
        ? ABSENT
        : stats.ctimeMs < notAfter
          ? `${stats.ctimeMs} ${stats.size} ${stats.ino}`
          : null;
    states.set(path, state);
    return state;
  };
}
