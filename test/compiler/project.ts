/** Projects in a temporary folder, made of texts. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { checkAll } from "../../src/compiler/check.ts";
import { checkProject } from "../../src/compiler/compile.ts";
import { type Diagnostic, renderDiagnostic, renderDiagnostics } from "../../src/compiler/diagnostic.ts";
import type { ProjectPaths } from "../../src/compiler/project-paths.ts";
import type { Plan } from "../../src/domain/plan/plan.ts";

export const REPO_ROOT = resolve(import.meta.dirname, "../..");

export interface ProjectTexts {
  readonly conf: string;
  /** By path under the pipelines folder. Default: one file that exports the functions a to e and the endpoint `handle`. */
  readonly pipelines?: Readonly<Record<string, string>>;
  readonly wrangler?: string;
}

const METHODS = ["a", "b", "c", "d", "e", "handle"].map((name) => `export function ${name}() {}\n`).join("");
const WRANGLER = `[[r2_buckets]]\nbinding = "UPLOADS"\nbucket_name = "uploads"\n`;

/** Runs `use` on a project that exists as long as it takes. */
export async function withProject<T>(
  texts: ProjectTexts,
  use: (paths: ProjectPaths, folder: string) => T | Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "peach-conf-"));
  try {
    const files = {
      "peach.conf": texts.conf,
      "wrangler.toml": texts.wrangler ?? WRANGLER,
      ...Object.fromEntries(
        Object.entries(texts.pipelines ?? { "tasks.ts": METHODS }).map(([path, text]) => [`pipelines/${path}`, text]),
      ),
    };
    mkdirSync(join(folder, "pipelines"));
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const paths = {
      projectRoot: REPO_ROOT,
      confPath: join(folder, "peach.conf"),
      pipelinesDir: join(folder, "pipelines"),
      wranglerPath: join(folder, "wrangler.toml"),
    };
    return await use(paths, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Every problem as the user reads it, but typed edges; paths are relative to the project. */
export function problemsOf(conf: string, more: Omit<ProjectTexts, "conf"> = {}): Promise<string> {
  return withProject({ conf, ...more }, (paths, folder) => render(checkProject(paths).diagnostics, folder));
}

/** The problems as `peach check` shows them: hints once, and many of one kind in short. */
export function shownProblemsOf(conf: string, more: Omit<ProjectTexts, "conf"> = {}): Promise<string> {
  return withProject({ conf, ...more }, (paths, folder) =>
    renderDiagnostics(checkProject(paths).diagnostics).replaceAll(`${folder}/`, ""),
  );
}

/** Every problem, typed edges included. */
export function allProblemsOf(texts: ProjectTexts): Promise<string> {
  return withProject(texts, async (paths, folder) => render((await checkAll(paths)).diagnostics, folder));
}

/** The plan of a conf without problems. */
export async function planOf(conf: string, more: Omit<ProjectTexts, "conf"> = {}): Promise<Plan> {
  return withProject({ conf, ...more }, (paths, folder) => {
    const { compiled, diagnostics } = checkProject(paths);
    if (compiled === null) throw new Error(`this conf was to compile:\n${render(diagnostics, folder)}`);
    return compiled.plan;
  });
}

function render(diagnostics: readonly Diagnostic[], folder: string): string {
  return diagnostics.map(renderDiagnostic).join("\n\n").replaceAll(`${folder}/`, "");
}
