/** Makes what the local runtime runs: the worker's bundle, with the compiled plan in it, and wrangler's configuration. */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { compileProject } from "../compiler/compile.ts";
import { renderDiagnostic } from "../compiler/diagnostic.ts";
import { projectPaths, type ProjectPaths } from "../compiler/project-paths.ts";
import type { NeededSecret } from "../compiler/needed-secrets.ts";
import type { Plan } from "../domain/plan/plan.ts";
import { bundleWorker, type Bundle } from "./bundle.ts";
import { writeDashboard } from "./dashboard.ts";
import { deriveConfig } from "./derived-config.ts";
import { makeable, withSecrets } from "./secrets.ts";
import type { StateFolder } from "./state-folder.ts";

/** The folder of package.json and wrangler.toml. */
export const PROJECT_FOLDER = resolve(fileURLToPath(new URL("../..", import.meta.url)));

export interface BuildOptions {
  /** Default: as every command finds them (PEACH_CONF, PEACH_PIPELINES, peach.conf, peach.conf.example). */
  readonly confPath?: string;
  readonly pipelinesDir?: string;
  /** Where the compiled plan goes. Default: a folder of the state folder, so that two runtimes do not disturb each other. */
  readonly generatedFolder?: string;
  /** Makes secrets of webhooks that nobody has set; default: they stay missing, and their endpoints refuse every delivery. */
  readonly makeSecrets?: (names: readonly string[]) => Readonly<Record<string, string>>;
}

export interface BuiltProject {
  readonly plan: Plan;
  readonly paths: ProjectPaths;
  /** Secrets that nobody has set. */
  readonly missingSecrets: readonly NeededSecret[];
  /** Names of those that were made now. */
  readonly madeSecrets: readonly string[];
}

export type BuildResult =
  /** `changed`: false if what was there before is the same. */
  | { readonly ok: true; readonly project: BuiltProject; readonly changed: boolean }
  /** `diagnostics`: for people, as peach.conf's reader reports them. */
  | { readonly ok: false; readonly diagnostics: string };

/** The files that these options mean. */
function pathsOf(options: BuildOptions): ProjectPaths {
  const { confPath, pipelinesDir } = options;
  const choice = {
    ...process.env,
    ...(confPath === undefined ? {} : { PEACH_CONF: resolve(confPath) }),
    ...(pipelinesDir === undefined ? {} : { PEACH_PIPELINES: resolve(pipelinesDir) }),
  };
  return projectPaths(choice, PROJECT_FOLDER, process.cwd());
}

/** Compiles, bundles, and writes bundle and configuration. With any problem, what the runtime runs stays as it is. */
export async function buildProject(
  folder: StateFolder,
  options: BuildOptions,
  vars: Readonly<Record<string, string>>,
): Promise<BuildResult> {
  const paths = pathsOf(options);
  const generatedFolder = options.generatedFolder ?? folder.generatedFolder;
  const compiled = compileProject(
    { ...paths, outDir: generatedFolder },
    { acceptUnboundBuckets: true },
  );
  if (!compiled.ok)
    return { ok: false, diagnostics: compiled.diagnostics.map(renderDiagnostic).join("\n\n") };
  await writeDashboard(PROJECT_FOLDER, generatedFolder);
  const bundled = await bundleWorker({ ...folder, projectFolder: PROJECT_FOLDER, generatedFolder });
  if (!bundled.ok) return bundled;

  const given = withSecrets(compiled.plan, vars, process.env);
  const madeSecrets =
    options.makeSecrets === undefined ? [] : makeable(compiled.plan, given.missing);
  const made = madeSecrets.length === 0 ? {} : options.makeSecrets?.(madeSecrets);
  const secrets = withSecrets(compiled.plan, { ...given.vars, ...made }, process.env);
  const config = deriveConfig(readFileSync(paths.wranglerPath, "utf8"), {
    main: folder.bundlePath,
    buckets: compiled.plan.buckets,
    vars: secrets.vars,
  });
  const changed = writeWorker(folder, bundled.bundle, config);
  const project = { plan: compiled.plan, paths, missingSecrets: secrets.missing, madeSecrets };
  return { ok: true, project, changed };
}

/** Writes what the runtime runs; true if any of it is new. A runtime on this folder takes it over by itself. */
export function writeWorker(
  folder: StateFolder,
  { text, sourceMap }: Bundle,
  config: object,
): boolean {
  const files = [
    // Before the bundle that names it.
    [folder.sourceMapPath, sourceMap],
    [folder.bundlePath, text],
    // It holds the API token, as the folder does: for nobody else on this machine.
    [folder.configPath, JSON.stringify(config, null, 2)],
  ] as const;
  return (
    files.filter(([path, content]) => writeIfChanged(path, content, folder.draftPath)).length > 0
  );
}

/**
 * The runtime starts again when a file of it changes, so it is touched only then, and replaced in one go: the runtime must not
 * read half of it. True if it was written.
 */
function writeIfChanged(path: string, text: string, draftPath: string): boolean {
  try {
    if (readFileSync(path, "utf8") === text) return false;
  } catch {
    // There is none yet.
  }
  writeFileSync(draftPath, text, { mode: 0o600 });
  renameSync(draftPath, path);
  return true;
}
