/**
 * The compiler. Reads peach.conf, the exports of the pipelines and wrangler.toml; writes the plan,
 * the method registry and the task types. Writes nothing if there is any problem.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Plan } from "../domain/plan/plan.ts";
import {
  type Bindings,
  boundBuckets,
  checkBuckets,
  type UnboundBucket,
  unboundBuckets,
} from "./buckets.ts";
import { checkConsoleHost } from "./check-console-host.ts";
import { checkEach, type EachTasks } from "./check-each.ts";
import { checkEndpoints } from "./check-endpoints.ts";
import { checkGraph, type Edge } from "./check-graph.ts";
import { checkLimits } from "./check-limits.ts";
import { checkOpen } from "./check-open.ts";
import { checkOpenEndpoints } from "./check-open-endpoints.ts";
import { checkRecommendations } from "./check-recommendations.ts";
import { checkLoops } from "./check-loops.ts";
import { checkPublicUrl } from "./check-public-url.ts";
import { checkSize } from "./check-size.ts";
import { checkWorkerResources, checkWranglerFormat } from "./check-worker-resources.ts";
import { checkSchedules } from "./check-schedules.ts";
import { type Diagnostic, inFileOrder, type Report, reportInto } from "./diagnostic.ts";
import { taskShapes } from "./edges/task-shapes.ts";
import type { TaskShapes } from "./edges/task-inputs.ts";
import { discoverModules, type PipelineModule } from "./discover.ts";
import { emitRecommendationTypes } from "./emit-recommendations.ts";
import { emitPlan, emitRegistry, PROJECT_MODULE } from "./emit.ts";
import { emitTaskTypes } from "./emit-types.ts";
import type { LoadedConf } from "./conf-file.ts";
import { MethodFinder, type ResolvedMethod } from "./methods.ts";
import { buildPlan, type ResolvedMethods } from "./plan.ts";
import { displayPath, type ProjectPaths } from "./project-paths.ts";
import { readConf } from "./read-conf.ts";
import { readText } from "./read-file.ts";
import type { SourceFile } from "./source.ts";
import { confSchema, type EndpointConf } from "./schema.ts";
import { type ConfCheck, validateConf, type ValidConf } from "./validate.ts";
import { readWrangler } from "./wrangler-config.ts";

/** The result of all checks of a project, also of one with problems. */
export interface CheckedProject {
  /** The files of peach.conf, as diagnostics show them, in the order in which they are read. */
  readonly confFiles: readonly string[];
  /** Problems in file order, without those of `checkEdges`. */
  readonly diagnostics: readonly Diagnostic[];
  /** Warnings about what may be intended and probably is not; empty while there are problems. */
  readonly warnings: readonly Diagnostic[];
  /** The edges without problems. */
  readonly edges: readonly Edge[];
  /** The keys that decide the inputs of tasks, for the check of edges. */
  readonly shapes: TaskShapes;
  /** Places in peach.conf; null if it cannot be read. */
  readonly loaded: LoadedConf | null;
  /** Tasks with `each`. */
  readonly eaches: EachTasks;
  /** The parameters of recommendation endpoints, by the name of the endpoint. */
  readonly params: ReadonlyMap<string, NonNullable<EndpointConf["params"]>>;
  /** The methods that were found. */
  readonly methods: ResolvedMethods;
  /** Files of the pipelines folder. */
  readonly modules: readonly PipelineModule[];
  /** The plan, or null if there is any problem. */
  readonly compiled: Compiled | null;
}

/** The plan of a project without problems. */
export interface Compiled {
  readonly plan: Plan;
  /**
   * Buckets that peach.conf names and wrangler.toml does not bind. Empty unless the options accept
   * them; the plan then holds their proposed bindings.
   */
  readonly unboundBuckets: readonly UnboundBucket[];
}

/** Options of a compilation. */
export interface CompileOptions {
  /**
   * True accepts buckets without a binding. `npm run dev` binds them locally itself; without the
   * option each one is a problem. Default: false.
   */
  readonly acceptUnboundBuckets?: boolean;
  /**
   * True gives each attempt and each call of an endpoint the longest timeout that there is. Time
   * goes on while a debugger holds them. Default: false.
   */
  readonly patientTimeouts?: boolean;
}

/** The outcome of `compileProject`: files were written, or the problems that prevented it. */
export type CompileResult =
  | ({ readonly ok: true; readonly diagnostics: readonly [] } & Compiled)
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/**
 * Compiles a project into `outDir`. A file whose content stays the same is not written, since dev
 * servers watch these files and would reload.
 */
export function compileProject(
  paths: ProjectPaths & { readonly outDir: string },
  options: CompileOptions = {},
): CompileResult {
  const project = checkProject(paths, options);
  if (project.compiled === null) return { ok: false, diagnostics: project.diagnostics };
  writeProject(project, project.compiled, paths.outDir);
  return { ok: true, diagnostics: [], ...project.compiled };
}

/**
 * Writes the plan, the registry and the types of a project without problems, and the schema of
 * peach.conf for editors.
 */
export function writeProject(
  { methods, modules, eaches }: CheckedProject,
  { plan }: Compiled,
  outDir: string,
): void {
  mkdirSync(outDir, { recursive: true });
  writeIfChanged(join(outDir, "plan.ts"), emitPlan(plan));
  writeIfChanged(join(outDir, "registry.ts"), emitRegistry(methods, modules, outDir));
  const types = emitTaskTypes(plan, methods, modules, eaches, outDir);
  writeIfChanged(join(outDir, "tasks.d.ts"), types);
  writeIfChanged(join(outDir, "project.ts"), PROJECT_MODULE);
  const recommendations = join(outDir, "recommendations.d.ts");
  const isServing = plan.endpoints.some(({ recommendation }) => recommendation !== undefined);
  // A project without recommendation endpoints has no such file; an old file is emptied.
  if (isServing || readText(recommendations) !== null)
    writeIfChanged(recommendations, emitRecommendationTypes(plan));
  writeIfChanged(join(outDir, "peach.schema.json"), `${JSON.stringify(confSchema(), null, 2)}\n`);
}

/** Runs every check without writing. Edges are checked by `checkEdges`. */
export function checkProject(paths: ProjectPaths, options: CompileOptions = {}): CheckedProject {
  const diagnostics: Diagnostic[] = [];
  const report = reportInto(diagnostics);
  const { files, loaded: read } = readConf(paths.confPath, report);
  if (read === null)
    return {
      confFiles: files,
      diagnostics: inFileOrder(diagnostics, files),
      warnings: [],
      edges: [],
      shapes: new Map(),
      loaded: null,
      eaches: new Map(),
      params: new Map(),
      methods: NO_METHODS,
      modules: [],
      compiled: null,
    };
  // From here on every check runs, however many problems the others found.
  const { conf, loaded } = validateConf(read, report);
  const warnings: Diagnostic[] = [];
  const check = { conf, loaded, report, warn: reportInto(warnings) };
  const edges = checkGraph(check);
  checkSize(check, edges);
  const eaches = checkEach(check, edges);
  checkEndpoints(check);
  checkSchedules(check);
  checkLimits(check);
  // The file as written: a wrong value is reported already, and counts as given.
  checkRecommendations({ ...check, loaded: read });
  const bound = checkBindings(paths, options, check);
  const modules = findModules(paths, loaded, report);
  const finder = new MethodFinder(modules ?? [], displayPath(paths.pipelinesDir), loaded, report);
  const methods = modules === null ? NO_METHODS : resolveMethods(conf, finder);
  const shapes = taskShapes(conf, edges);
  const known = {
    confFiles: files,
    edges,
    shapes,
    loaded,
    eaches,
    params: new Map([...conf.endpoints].map(([name, { params = new Map() }]) => [name, params])),
    methods,
    modules: modules ?? [],
  };
  if (diagnostics.length > 0)
    return {
      diagnostics: inFileOrder(diagnostics, files),
      warnings: [],
      ...known,
      compiled: null,
    };
  // The plan is built from a conf without problems only, so the rest needs no checks of its own.
  const unbound = unboundBuckets(conf, bound);
  const buckets = Object.fromEntries([
    ...bound,
    ...unbound.map(({ bucket, binding }) => [bucket, binding] as const),
  ]);
  const plan = buildPlan(conf, methods, buckets, options);
  checkLoops(check, plan, methods);
  checkOpenEndpoints(check, methods);
  return {
    diagnostics,
    warnings: inFileOrder(warnings, files),
    ...known,
    compiled: { plan, unboundBuckets: unbound },
  };
}

/** The methods of a project whose peach.conf cannot be read. */
const NO_METHODS: ResolvedMethods = {
  tasks: new Map(),
  endpoints: new Map(),
  fallbacks: new Map(),
  components: new Map(),
};

/** Finds the pipeline modules. Reports a folder that cannot be read and returns null. */
function findModules(
  paths: ProjectPaths,
  loaded: LoadedConf,
  report: Report,
): PipelineModule[] | null {
  const folder = displayPath(paths.pipelinesDir);
  const modules = discoverModules(paths.pipelinesDir, report);
  if (modules !== null) return modules;
  report(
    "PEACH305",
    { source: loaded.source, start: 0, end: 0 },
    `the pipelines folder ${folder} cannot be read`,
    {
      hint: "PEACH_PIPELINES names the folder; without it src/pipelines is used",
    },
  );
  return null;
}

/**
 * Reads wrangler.toml and runs the checks that compare it with peach.conf. Returns the bound
 * buckets; none if the file is no TOML.
 */
function checkBindings(paths: ProjectPaths, options: CompileOptions, check: ConfCheck): Bindings {
  const { report } = check;
  const wrangler: SourceFile = {
    path: displayPath(paths.wranglerPath),
    text: readText(paths.wranglerPath) ?? "",
  };
  checkWranglerFormat(paths.wranglerPath, report);
  const config = readWrangler(wrangler, report);
  if (config === null) return new Map();
  const bound = boundBuckets(config);
  checkOpen(check, bound);
  checkConsoleHost(config, wrangler, report);
  checkWorkerResources(config, wrangler, report);
  checkPublicUrl(check, { path: wrangler.path, config });
  if (options.acceptUnboundBuckets !== true) checkBuckets(check, bound, wrangler.path);
  return bound;
}

/**
 * Finds the method of each task and endpoint, and the fallback of each endpoint. Missing ones are
 * reported and left out.
 */
function resolveMethods(conf: ValidConf, finder: MethodFinder): ResolvedMethods {
  const tasks = new Map<string, ResolvedMethod>();
  const endpoints = new Map<string, ResolvedMethod>();
  const fallbacks = new Map<string, ResolvedMethod>();
  const components = new Map<string, ReadonlyMap<string, ResolvedMethod>>();
  for (const [name, { method, module }] of conf.tasks) {
    const found =
      method === undefined
        ? null
        : finder.find({ method, module, at: ["tasks", name], key: "method" });
    if (found !== null) tasks.set(name, found);
  }
  for (const [name, endpoint] of conf.endpoints) {
    const { method, module, fallback } = endpoint;
    const at = ["endpoints", name];
    const found = method === undefined ? null : finder.find({ method, module, at, key: "method" });
    if (found !== null) endpoints.set(name, found);
    const other =
      fallback === undefined
        ? null
        : finder.find({ method: fallback, module, at, key: "fallback" });
    if (other !== null) fallbacks.set(name, other);
    if (endpoint.components !== undefined)
      components.set(name, resolveComponents(name, endpoint, endpoint.components, finder));
  }
  return { tasks, endpoints, fallbacks, components };
}

/** Finds the methods of components. The `module` of the endpoint counts for components too. */
function resolveComponents(
  name: string,
  { module }: EndpointConf,
  components: NonNullable<EndpointConf["components"]>,
  finder: MethodFinder,
): ReadonlyMap<string, ResolvedMethod> {
  const resolved = new Map<string, ResolvedMethod>();
  for (const [component, { method, module: own }] of components) {
    if (method === undefined) continue;
    const at = ["endpoints", name, "components", component];
    const moduleAt = own === undefined ? ["endpoints", name] : at;
    const found = finder.find({ method, module: own ?? module, at, key: "method", moduleAt });
    if (found !== null) resolved.set(component, found);
  }
  return resolved;
}

/** Writes a file unless it has this text already. */
function writeIfChanged(file: string, text: string): void {
  if (readText(file) !== text) writeFileSync(file, text);
}
