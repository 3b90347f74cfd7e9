/** Makes what the local runtime runs: the compiled plan and registry, and wrangler's configuration that points at them. */
import { readFileSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import manifest from "../../package.json" with { type: "json" };
import { compileProject } from "../../src/conf/compile.ts";
import { renderDiagnostic } from "../../src/conf/diagnostic.ts";
import { projectPaths, type ProjectPaths } from "../../src/conf/project-paths.ts";
import type { Plan } from "../../src/core/plan.ts";
import { deriveConfig } from "./derived-config.ts";
import type { StateFolder } from "./state-folder.ts";

/** The folder of package.json and wrangler.toml. */
export const PROJECT_FOLDER = resolve(fileURLToPath(new URL("../..", import.meta.url)));

export interface BuildOptions {
  /** Default: as every command finds them (PEACH_CONF, PEACH_PIPELINES, peach.conf, peach.conf.example). */
  readonly confPath?: string;
  readonly pipelinesDir?: string;
  /** Where the compiled plan goes. Default: a folder of the state folder, so that two runtimes do not disturb each other. */
  readonly generatedFolder?: string;
}

export interface BuiltProject {
  readonly plan: Plan;
  readonly paths: ProjectPaths;
}

export type BuildResult =
  | { readonly ok: true; readonly project: BuiltProject }
  /** `diagnostics`: for people, as peach.conf's reader reports them. */
  | { readonly ok: false; readonly diagnostics: string };

/** The files that these options mean. */
export function pathsOf(options: BuildOptions): ProjectPaths {
  const { confPath, pipelinesDir } = options;
  const choice = {
    ...process.env,
    ...(confPath === undefined ? {} : { PEACH_CONF: resolve(confPath) }),
    ...(pipelinesDir === undefined ? {} : { PEACH_PIPELINES: resolve(pipelinesDir) }),
  };
  return projectPaths(choice, PROJECT_FOLDER, process.cwd());
}

/** Compiles, and writes the configuration. With any problem, what was there before stays. */
export function buildProject(
  folder: StateFolder,
  options: BuildOptions,
  vars: Readonly<Record<string, string>>,
): BuildResult {
  const paths = pathsOf(options);
  const outDir = options.generatedFolder ?? folder.generatedFolder;
  const compiled = compileProject({ ...paths, outDir }, { acceptUnboundBuckets: true });
  if (!compiled.ok) return { ok: false, diagnostics: compiled.diagnostics.map(renderDiagnostic).join("\n\n") };

  const config = deriveConfig(readFileSync(paths.wranglerPath, "utf8"), {
    main: join(PROJECT_FOLDER, "src", "index.ts"),
    aliases: { ...aliasesOf(outDir), ...(isInside(PROJECT_FOLDER, paths.pipelinesDir) ? {} : packageAliases()) },
    buckets: compiled.plan.buckets,
    vars,
  });
  // It holds the API token: for nobody else on this machine.
  writeIfChanged(folder.configPath, JSON.stringify(config, null, 2));
  return { ok: true, project: { plan: compiled.plan, paths } };
}

function aliasesOf(generatedFolder: string): Record<string, string> {
  return {
    "#generated/plan": join(generatedFolder, "plan.ts"),
    "#generated/registry": join(generatedFolder, "registry.ts"),
    "peach/task-helpers": join(PROJECT_FOLDER, "src", "task-helpers.ts"),
  };
}

/** Pipelines elsewhere have no node_modules above them: what they import is this project's own. */
function packageAliases(): Record<string, string> {
  const packages = Object.keys(manifest.dependencies);
  return Object.fromEntries(packages.map((name) => [name, fileURLToPath(import.meta.resolve(name))]));
}

function isInside(folder: string, path: string): boolean {
  return !relative(folder, path).startsWith("..");
}

/** The runtime starts again when its configuration changes, so it is touched only then. */
function writeIfChanged(path: string, text: string): void {
  try {
    if (readFileSync(path, "utf8") === text) return;
  } catch {
    // There is none yet.
  }
  writeFileSync(path, text, { mode: 0o600 });
}
