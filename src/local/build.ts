/**
 * Builds the input of the local runtime: the worker's bundle with the compiled plan, and wrangler's
 * configuration.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { compileProject } from "../compiler/compile.ts";
import { renderDiagnostic } from "../compiler/diagnostic.ts";
import {
  findProjectRoot,
  IS_CLONE,
  PACKAGE_ROOT,
  projectPaths,
  type ProjectPaths,
} from "../compiler/project-paths.ts";
import type { NeededSecret } from "../compiler/needed-secrets.ts";
import { readText } from "../compiler/read-file.ts";
import type { Plan } from "../domain/plan/plan.ts";
import { bundleWorker, type Bundle } from "./bundle.ts";
import { writeDashboard } from "./dashboard.ts";
import { deriveConfig } from "./derived-config.ts";
import { withOwnSources } from "./own-sources.ts";
import { makeable, withSecrets } from "./secrets.ts";
import { describeFault, tryWorker, type Trial } from "./trial.ts";
import type { StateFolder } from "./state-folder.ts";

/** The project of the current folder, which holds wrangler.toml. */
export const PROJECT_FOLDER = findProjectRoot();

/** Options of a build. */
export interface BuildOptions {
  /**
   * The files to compile. Default: the files of every command (PEACH_CONF, PEACH_PIPELINES,
   * peach.conf, peach.conf.example).
   */
  readonly confPath?: string;
  readonly pipelinesDir?: string;
  /**
   * The folder for the compiled plan. Default: a folder inside the state folder, so that two
   * runtimes do not overwrite each other's plan.
   */
  readonly generatedFolder?: string;
  /** True compiles the plan with the longest timeouts, for a debugger. Default: false. */
  readonly patientTimeouts?: boolean;
  /**
   * Makes missing webhook secrets. Default: they stay missing, and their endpoints refuse every
   * delivery.
   */
  readonly makeSecrets?: (names: readonly string[]) => Readonly<Record<string, string>>;
}

/** A project that was built. */
export interface BuiltProject {
  readonly plan: Plan;
  readonly paths: ProjectPaths;
  /** Needed secrets that are not set. */
  readonly missingSecrets: readonly NeededSecret[];
  /** Names of the secrets that this build made. */
  readonly madeSecrets: readonly string[];
  /** The reason why the bundle could not be tried before; null if it was tried. */
  readonly untried: string | null;
}

export type BuildResult =
  /** `changed` is false if every file was the same before. */
  | { readonly ok: true; readonly project: BuiltProject; readonly changed: boolean }
  /** `diagnostics` is text for people, from the compiler or the bundler. */
  | { readonly ok: false; readonly diagnostics: string };

/** Finds the files of these options. */
function pathsOf(options: BuildOptions): ProjectPaths {
  const { confPath, pipelinesDir } = options;
  const choice = {
    ...process.env,
    ...(confPath === undefined ? {} : { PEACH_CONF: resolve(confPath) }),
    ...(pipelinesDir === undefined ? {} : { PEACH_PIPELINES: resolve(pipelinesDir) }),
  };
  return projectPaths(choice, PROJECT_FOLDER, process.cwd());
}

/**
 * Compiles and bundles the project, and writes bundle and configuration. With any problem the files
 * of the runtime stay as they are.
 */
export async function buildProject(
  folder: StateFolder,
  options: BuildOptions,
  vars: Readonly<Record<string, string>>,
): Promise<BuildResult> {
  const paths = pathsOf(options);
  const generatedFolder = options.generatedFolder ?? folder.generatedFolder;
  const compiled = compileProject(
    { ...paths, outDir: generatedFolder },
    { acceptUnboundBuckets: true, patientTimeouts: options.patientTimeouts ?? false },
  );
  if (!compiled.ok)
    return { ok: false, diagnostics: compiled.diagnostics.map(renderDiagnostic).join("\n\n") };
  // An installed package brings its dashboard ready made.
  if (IS_CLONE) await writeDashboard(generatedFolder);
  const bundled = await bundleWorker({ ...folder, projectRoot: PROJECT_FOLDER, generatedFolder });
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
  const folders = {
    peach: [PACKAGE_ROOT, generatedFolder],
    project: PROJECT_FOLDER,
    conf: dirname(paths.confPath),
    pipelines: paths.pipelinesDir,
  };
  const bundle = withOwnSources(bundled.bundle, dirname(folder.sourceMapPath), folders);
  const isNew = readText(folder.bundlePath) !== bundle.text;
  const trial: Trial = isNew
    ? await tryWorker(folder.trialFolder, bundle, config)
    : { type: "loads" };
  if (trial.type === "threw" || trial.type === "endless")
    return { ok: false, diagnostics: describeFault(trial, folders) };
  const changed = writeWorker(folder, bundle, config);
  const project = {
    plan: compiled.plan,
    paths,
    missingSecrets: secrets.missing,
    madeSecrets,
    untried: trial.type === "untried" ? trial.reason : null,
  };
  return { ok: true, project, changed };
}

/**
 * Writes the files of the runtime. Returns true if any is new; a runtime on this folder then
 * restarts by itself.
 */
export function writeWorker(
  folder: StateFolder,
  { text, sourceMap }: Bundle,
  config: object,
): boolean {
  const files = [
    // The map is written before the bundle that names it.
    [folder.sourceMapPath, sourceMap],
    [folder.bundlePath, text],
    // The configuration holds the API token. The folder is readable by its owner only.
    [folder.configPath, JSON.stringify(config, null, 2)],
  ] as const;
  return (
    files.filter(([path, content]) => writeIfChanged(path, content, folder.draftPath)).length > 0
  );
}

/**
 * Writes a file if the text is new: the runtime restarts when a file changes. The file is replaced
 * in a single step, since the runtime must not read half of a file. Returns true if the file was
 * written.
 */
function writeIfChanged(path: string, text: string, draftPath: string): boolean {
  if (readText(path) === text) return false;
  writeFileSync(draftPath, text, { mode: 0o600 });
  renameSync(draftPath, path);
  return true;
}
