/**
 * Joins the files of a folder peach.conf. The names under `tasks` and `endpoints` may be spread
 * over several files; every key beside these two has a single file. Anchors do not reach beyond
 * their file.
 */
import type { Report } from "./diagnostic.ts";
import type { ConfFile, LoadedConf, Path } from "./conf-file.ts";
import { isMapping } from "./schema-parts.ts";
import type { SourceFile, Span } from "./source.ts";
import { isNamesMapping, reportExpectedNames } from "./validate.ts";

/** The keys whose entries may stand in several files. */
const JOINED = ["tasks", "endpoints"] as const;

/** A non-empty list of files. */
export type ConfFiles = readonly [ConfFile, ...ConfFile[]];

/** The index of the file that holds a top-level key, or an entry of `tasks` or `endpoints`. */
type Owners = ReadonlyMap<string, number>;

/**
 * Joins files in the given order. Reports a name that stands in two files at both places. The first
 * entry of the name counts in the checks that follow.
 */
export function joinConfFiles(files: ConfFiles, report: Report): LoadedConf {
  const owners = new Map<string, number>();
  for (const [index, file] of files.entries()) {
    if (!isMapping(file.value)) {
      report("PEACH103", file.valueSpan([]), `expected a mapping, given ${file.given([])}`, {
        hint: "each file of the folder has the keys of peach.conf at its top",
      });
      continue;
    }
    for (const path of ownedPaths(file.value)) {
      const owner = owners.get(ownerKey(path));
      if (owner === undefined) owners.set(ownerKey(path), index);
      else if (isJoined(path)) continue;
      else reportTwice(path, file, files[owner] ?? files[0], report);
    }
  }
  for (const key of JOINED) reportNoNames(key, files, report);
  return new ConfFolder(files, owners);
}

/**
 * Reports files with a wrong `tasks` or `endpoints`, if several files have the key. A key in a
 * single file is checked with the rest of the conf.
 */
function reportNoNames(key: (typeof JOINED)[number], files: ConfFiles, report: Report): void {
  const holders = files.filter(({ value }) => isMapping(value) && Object.hasOwn(value, key));
  const wrong = holders.filter(({ value }) => isMapping(value) && !isNamesMapping(value[key]));
  // Where no file is right the first one's value is checked with the rest.
  const [, ...others] = wrong;
  for (const file of wrong.length === holders.length ? others : wrong)
    reportExpectedNames(key, file, report);
}

/** The files of a folder, read as one conf. */
class ConfFolder implements LoadedConf {
  readonly value: unknown;
  readonly source: SourceFile;
  readonly #files: ConfFiles;
  readonly #owners: Owners;

  constructor(files: ConfFiles, owners: Owners) {
    this.#files = files;
    this.#owners = owners;
    this.source = files[0].source;
    this.value = joinedValue(files, owners);
  }

  keySpan(path: Path): Span {
    return this.#fileOf(path).keySpan(path);
  }

  valueSpan(path: Path): Span {
    return this.#fileOf(path).valueSpan(path);
  }

  given(path: Path): string {
    return this.#fileOf(path).given(path);
  }

  writtenPath(path: Path): Path {
    return this.#fileOf(path).writtenPath(path);
  }

  without(paths: readonly Path[]): LoadedConf | null {
    const rests = this.#files.map((file) =>
      file.without(paths.filter((path) => this.#fileOf(path) === file)),
    );
    if (rests.every((rest) => rest === null)) return null;
    const [first, ...others] = this.#files;
    const files: ConfFiles = [
      rests[0] ?? first,
      ...others.map((file, index) => rests[index + 1] ?? file),
    ];
    return new ConfFolder(files, this.#owners);
  }

  /** Finds the file of the value at this path. An unknown path belongs to the first file. */
  #fileOf(path: Path): ConfFile {
    const owner =
      this.#owners.get(ownerKey(path.slice(0, 2))) ?? this.#owners.get(ownerKey(path.slice(0, 1)));
    return this.#files[owner ?? 0] ?? this.#files[0];
  }
}

/** Lists the paths of the top-level keys of a file, and of the names in `tasks` and `endpoints`. */
function ownedPaths(value: Readonly<Record<string, unknown>>): Path[] {
  return Object.entries(value).flatMap(([key, entries]) =>
    isJoined([key]) && isMapping(entries)
      ? [[key], ...Object.keys(entries).map((name) => [key, name])]
      : [[key]],
  );
}

/** Tests if a path is `tasks` or `endpoints` itself. */
function isJoined([key, ...rest]: Path): boolean {
  return rest.length === 0 && JOINED.some((joined) => joined === key);
}

/** Makes the key of a path in `Owners`. */
function ownerKey(path: Path): string {
  return JSON.stringify(path.map(String));
}

/** Reports a name in `file` that stands in the earlier file `first` too. */
function reportTwice(path: Path, file: ConfFile, first: ConfFile, report: Report): void {
  const name = path.map(String).join(".");
  report("PEACH011", file.keySpan(path), `${name}: this name stands in two files`, {
    related: [{ span: first.keySpan(path), message: "it stands here first" }],
    hint:
      path.length === 1
        ? "only tasks and endpoints may stand in several files: keep one of the two"
        : "rename one of the two, or remove it",
  });
}

/** Joins the content of the files; a name that two files hold comes from its owner. */
function joinedValue(files: ConfFiles, owners: Owners): unknown {
  const joined = new Map<string, unknown>();
  for (const [index, { value }] of files.entries()) {
    if (!isMapping(value)) continue;
    for (const [key, content] of Object.entries(value)) {
      const before = joined.get(key);
      if (isMapping(content) && isJoined([key]))
        joined.set(
          key,
          Object.fromEntries([
            ...(isMapping(before) ? Object.entries(before) : []),
            ...Object.entries(content).filter(
              ([name]) => owners.get(ownerKey([key, name])) === index,
            ),
          ]),
        );
      else if (owners.get(ownerKey([key])) === index) joined.set(key, content);
    }
  }
  return Object.fromEntries(joined);
}
