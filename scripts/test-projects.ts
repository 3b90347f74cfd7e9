/** Maps folders of tests to vitest's projects. */
import { existsSync } from "node:fs";
import { relative, resolve, sep } from "node:path";

/** Folders whose tests run in plain Node. A folder in no list runs in the workers pool. */
const UNIT = [
  "domain",
  "compiler",
  "dashboard",
  "golden",
  "scripts",
  "cli",
  "local",
  "project",
  "pipelines",
  "engine-simulation",
  "testing",
  "lab",
  "client",
];
/** Folders whose tests run in Node against the local runtime. */
const E2E = ["e2e"];

const filesOf = (folders: readonly string[]): string[] =>
  folders.map((folder) => `test/${folder}/**/*.test.ts`);

export const UNIT_FILES = filesOf(UNIT);
export const E2E_FILES = filesOf(E2E);
/** All that the workers pool runs no file of. */
export const FOLDERS_OF_OTHERS = [...UNIT, ...E2E].map((folder) => `test/${folder}/**`);

type Project = "unit" | "workers" | "e2e";
const PROJECTS = new Set(["unit", "workers", "e2e"]);

/**
 * Finds the projects of these files and folders. Null for any other filter, which may match all
 * projects.
 */
export function projectsOf(filters: readonly string[]): readonly Project[] | null {
  const projects = filters.map(projectOf);
  return projects.length === 0 || projects.includes(null)
    ? null
    : [...new Set(projects.filter((one) => one !== null))];
}

/** True if vitest's arguments choose this project, or none. */
export function isChosen(project: Project, args: readonly string[]): boolean {
  const chosen = args.flatMap((arg, index) =>
    arg === "--project"
      ? args.slice(index + 1, index + 2)
      : arg.startsWith("--project=")
        ? [arg.slice("--project=".length)]
        : [],
  );
  return (
    chosen.length === 0 || !chosen.every((one) => PROJECTS.has(one)) || chosen.includes(project)
  );
}

function projectOf(filter: string): Project | null {
  const [root, folder] = relative("", resolve(filter)).split(sep);
  if (root !== "test" || folder === undefined || !existsSync(filter)) return null;
  return UNIT.includes(folder) ? "unit" : E2E.includes(folder) ? "e2e" : "workers";
}
