/**
 * The project under test. The real compiler compiles peach.conf in this process. The pipelines are
 * imported as any other module of the test, so breakpoints, mocks of modules and coverage work.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { checkProject, type CheckedProject } from "../compiler/compile.ts";
import { answeringMethods } from "../compiler/plan.ts";
import { renderDiagnostic } from "../compiler/diagnostic.ts";
import {
  displayPath,
  findProjectRoot,
  projectPaths,
  type ProjectPaths,
} from "../compiler/project-paths.ts";
import type { Plan } from "../domain/plan/plan.ts";
import { readWranglerBindings, type WranglerBindings } from "./bindings/wrangler-bindings.ts";

/** The place of the project, as a test names it. */
export interface ProjectOptions {
  /**
   * The text of a peach.conf (anything with a line break), or the path of one. Default:
   * `PEACH_CONF`, else peach.conf of the project.
   */
  readonly conf?: string;
  /**
   * The functions that peach.conf names, by name; or the path of the folder that exports them.
   * Default: `PEACH_PIPELINES`, else src/pipelines of the project.
   */
  readonly pipelines?: string | Readonly<Record<string, unknown>>;
}

/** A project that compiles. */
export interface TestProject {
  readonly plan: Plan;
  readonly bindings: WranglerBindings;
  /** Functions of tasks, endpoints and their fallbacks by registry key. */
  readonly functions: ReadonlyMap<string, unknown>;
}

/** A project whose errors of peach.conf are the message. */
class ProjectError extends Error {
  override readonly name = "ProjectError";
}

interface Compiled {
  readonly signature: string;
  readonly checked: CheckedProject;
}

/** Compiled projects by their paths. */
const compiled = new Map<string, Compiled>();

/** Folders with a conf or names of functions that a test has given as a value, by content. */
const written = new Map<string, string>();

/** Compiles the project and imports its pipelines. Throws with all problems of peach.conf. */
export async function openProject(options: ProjectOptions): Promise<TestProject> {
  const paths = pathsOf(options);
  const { compiled: result, diagnostics, methods } = check(paths);
  if (result === null) {
    const shown = withoutFolders(diagnostics.map(renderDiagnostic).join("\n\n"));
    const count = diagnostics.length === 1 ? "a problem" : `${diagnostics.length} problems`;
    throw new ProjectError(`peach.conf has ${count}:\n\n${shown}`);
  }
  const { pipelines } = options;
  const functions = new Map<string, unknown>();
  for (const { key, exportName, file } of [...methods.tasks.values(), ...answeringMethods(methods)])
    functions.set(
      key,
      typeof pipelines === "object" ? pipelines[exportName] : await exported(file, exportName),
    );
  return { plan: result.plan, bindings: readWranglerBindings(paths.wranglerPath), functions };
}

async function exported(file: string, name: string): Promise<unknown> {
  const module: unknown = await import(/* @vite-ignore */ pathToFileURL(file).href);
  return typeof module === "object" && module !== null ? Reflect.get(module, name) : undefined;
}

function pathsOf({ conf, pipelines }: ProjectOptions): ProjectPaths {
  const paths = projectPaths(process.env, findProjectRoot(), process.cwd());
  return {
    ...paths,
    ...(conf !== undefined && {
      confPath: conf.includes("\n") ? textAsFile(conf, "peach.conf") : resolve(conf),
    }),
    ...(typeof pipelines === "string" && { pipelinesDir: resolve(pipelines) }),
    ...(typeof pipelines === "object" && { pipelinesDir: dirname(namesAsFile(pipelines)) }),
  };
}

function check(paths: ProjectPaths): CheckedProject {
  const key = [paths.confPath, paths.pipelinesDir, paths.wranglerPath].join("\n");
  const signature = signatureOf(paths);
  const known = compiled.get(key);
  if (known?.signature === signature) return known.checked;
  const checked = checkProject(paths, { acceptUnboundBuckets: true });
  compiled.set(key, { signature, checked });
  return checked;
}

/** Changes whenever a file of the project does. */
function signatureOf({ confPath, pipelinesDir, wranglerPath }: ProjectPaths): string {
  const files = [confPath, wranglerPath, ...[confPath, pipelinesDir].flatMap(filesIn)];
  return files
    .map((file) => {
      const { mtimeMs, size } = statSync(file, { throwIfNoEntry: false }) ?? {};
      return `${file} ${mtimeMs} ${size}`;
    })
    .join("\n");
}

function filesIn(folder: string): string[] {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => !name.includes("node_modules"))
    .map((name) => join(folder, name));
}

/** The compiler looks for exports in files: one with these names stands for the functions. */
function namesAsFile(pipelines: Readonly<Record<string, unknown>>): string {
  const text = Object.keys(pipelines)
    .map((name) => `export const ${name} = null;\n`)
    .join("");
  return textAsFile(text, "given.ts");
}

function textAsFile(text: string, name: string): string {
  const key = createHash("sha256").update(`${name}\n${text}`).digest("hex");
  const known = written.get(key);
  if (known !== undefined && existsSync(known)) return known;
  const folder = mkdtempSync(join(tmpdir(), "peach-testing-"));
  const file = join(folder, name);
  writeFileSync(file, text);
  if (written.size === 0) process.once("exit", deleteWritten);
  written.set(key, file);
  return file;
}

/** Takes the folders of written files out of a text: the user has given values, and no files. */
function withoutFolders(text: string): string {
  let shown = text;
  for (const file of written.values())
    for (const folder of new Set([dirname(file), displayPath(dirname(file))]))
      shown = shown
        .replaceAll(`${folder}/peach.conf`, "peach.conf")
        .replaceAll(folder, "pipelines");
  return shown;
}

function deleteWritten(): void {
  for (const file of written.values()) rmSync(dirname(file), { recursive: true, force: true });
}
