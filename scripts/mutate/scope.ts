/** What is changed, and whose tests are to notice. */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";

/** Paths of tests that begin so, by the folder of src that they are about: those beside it, and others that go through it. */
const TESTS = {
  catalog: ["test/catalog/", "test/http/run-lists", "test/http/bulk", "test/http/metrics"],
  core: ["test/core/"],
  http: ["test/http/"],
  limits: ["test/limits/", "test/http/limits", "test/trigger/debounce", "test/platform/tables"],
  payload: ["test/payload/"],
  run: ["test/run/", "test/http/run-", "test/http/retry", "test/http/runs"],
  schedules: ["test/schedules/", "test/http/schedules"],
  task: ["test/task/"],
  trigger: ["test/trigger/", "test/http/trigger", "test/http/replay", "test/http/complete", "test/http/idempotency"],
} as const;

export type Folder = keyof typeof TESTS;

export const FOLDERS: readonly Folder[] = [
  "catalog",
  "core",
  "http",
  "limits",
  "payload",
  "run",
  "schedules",
  "task",
  "trigger",
];

export function testsOf(folder: Folder): readonly string[] {
  return TESTS[folder];
}

/** The folder of this source file; null: of none whose tests are known. */
export function folderOf(file: string): Folder | null {
  return FOLDERS.find((folder) => file.startsWith(`src/${folder}/`)) ?? null;
}

/** Files that can be changed, below these paths. What holds nothing but SQL, types or words is left out. */
export function sourcesIn(paths: readonly string[]): string[] {
  const all = FOLDERS.flatMap((folder) =>
    readdirSync(`src/${folder}`, { recursive: true, encoding: "utf8" }).map((name) => `src/${folder}/${name}`),
  );
  const files = all.filter((file) => file.endsWith(".ts") && !/(-rpc|schema|\.d)\.ts$|\/operations\//.test(file));
  return files.filter((file) => paths.length === 0 || paths.some((path) => file.startsWith(path))).toSorted();
}

/** Lines that are not as they were in this commit, by file. Throws if there is no such commit. */
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
    const lines = from === undefined ? [] : Array.from({ length: Number(count) }, (_, at) => Number(from) + at);
    for (const changed of lines) current.add(changed);
  }
  return files;
}
