/** Selects the files to change, and the tests that should notice. */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";

/**
 * Test paths by folder of src: the folder's tests, and tests of other folders that use the code. An
 * inner folder stands before the outer folder.
 */
const TESTS = {
  "domain/limits": ["test/domain/limits/", "test/domain/run/limit", "test/objects/limits/"],
  "domain/plan": ["test/domain/"],
  "domain/run": ["test/domain/"],
  "domain/schedules": ["test/domain/schedules/", "test/objects/schedules/"],
  domain: ["test/domain/", "test/http/auth/", "test/payloads/limit-keys"],
  execution: ["test/execution/", "test/http/api/complete", "test/http/recommendations"],
  http: ["test/http/", "test/local/own-sources"],
  "objects/catalog": [
    "test/objects/catalog/",
    "test/http/api/run-lists",
    "test/http/api/bulk",
    "test/http/api/metrics",
  ],
  "objects/debounce": [
    "test/objects/limits/debounce",
    "test/triggers/debounce",
    "test/objects/tables",
  ],
  "objects/limits": [
    "test/objects/limits/limit",
    "test/objects/limits/settled-keys",
    "test/http/api/limits",
    "test/objects/tables",
  ],
  // What joins, resumes, replays and completes a run is tested with those who ask for it.
  "objects/run": [
    "test/objects/run/",
    "test/http/api/run-",
    "test/http/retry",
    "test/http/replay",
    "test/http/run-socket",
    "test/http/api/runs",
    "test/http/api/complete",
    "test/domain/run/event-backfill",
    "test/domain/run/external-task",
    "test/domain/run/journal",
    "test/domain/run/run-deletion",
    "test/objects/limits/settled-keys",
    "test/objects/pauses/",
    "test/triggers/debounce",
  ],
  "objects/schedules": ["test/objects/schedules/", "test/http/api/schedules"],
  payloads: [
    "test/payloads/",
    "test/http/bodies",
    "test/http/drain-body",
    "test/http/exact-numbers",
    "test/triggers/check-input",
    "test/execution/large-array",
    "test/objects/run/payload-size",
  ],
  triggers: [
    "test/triggers/",
    "test/http/api/trigger",
    "test/http/api/complete",
    "test/http/api/dead-letters",
    "test/http/api/events",
    "test/http/cloud-events",
    "test/http/idempotency",
    "test/http/redelivery",
    "test/http/replay",
    "test/http/signatures",
    "test/http/sns",
  ],
} as const;

export type Folder = keyof typeof TESTS;

export const FOLDERS: readonly Folder[] = [
  "domain/limits",
  "domain/plan",
  "domain/run",
  "domain/schedules",
  "domain",
  "execution",
  "http",
  "objects/catalog",
  "objects/debounce",
  "objects/limits",
  "objects/run",
  "objects/schedules",
  "payloads",
  "triggers",
];

export function testsOf(folder: Folder): readonly string[] {
  return TESTS[folder];
}

/** Finds the folder of a source file; null if its tests are not known. */
export function folderOf(file: string): Folder | null {
  return FOLDERS.find((folder) => file.startsWith(`src/${folder}/`)) ?? null;
}

/**
 * Lists the files below these paths that can be changed. Files with SQL, types or texts only are
 * left out.
 */
export function sourcesIn(paths: readonly string[]): string[] {
  const all = FOLDERS.flatMap((folder) =>
    readdirSync(`src/${folder}`, { recursive: true, encoding: "utf8" }).map(
      (name) => `src/${folder}/${name}`,
    ),
  );
  const files = [...new Set(all)].filter(
    (file) => file.endsWith(".ts") && !/(-rpc|schema|\.d|\.operations)\.ts$/.test(file),
  );
  return files
    .filter((file) => paths.length === 0 || paths.some((path) => file.startsWith(path)))
    .toSorted();
}

/** Finds the lines that have changed since a commit, by file. Throws if there is no such commit. */
export function changedLines(since: string): ReadonlyMap<string, ReadonlySet<number>> {
  const diff = execFileSync("git", ["diff", "--unified=0", "--no-color", since, "--", "src"], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  const files = new Map<string, Set<number>>();
  let current = new Set<number>();
  for (const line of diff.split("\n")) {
    const [, file] = /^\+\+\+ b\/(.*)$/.exec(line) ?? [];
    if (file !== undefined) files.set(file, (current = new Set()));
    const [, from, count = "1"] = /^@@ -\S+ \+(\d+)(?:,(\d+))? @@/.exec(line) ?? [];
    const lines =
      from === undefined ? [] : Array.from({ length: Number(count) }, (_, at) => Number(from) + at);
    for (const changed of lines) current.add(changed);
  }
  return files;
}
