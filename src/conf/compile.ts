/**
 * The compiler: peach.conf, the pipelines' exports and wrangler.toml in; the plan, the method registry and the task types
 * out. With any problem nothing is written. Reads and writes the disk.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { Plan } from "../core/plan.ts";
import { type Bindings, boundBuckets, checkBuckets, type UnboundBucket, unboundBuckets } from "./buckets.ts";
import { checkEndpoints } from "./check-endpoints.ts";
import { checkGraph, type Edge } from "./check-graph.ts";
import { type Diagnostic, inFileOrder, type Report, reportInto } from "./diagnostic.ts";
import { discoverModules } from "./discover.ts";
import { emitPlan, emitRegistry } from "./emit.ts";
import { loadConf, type LoadedConf } from "./load.ts";
import { MethodFinder, type ResolvedMethod } from "./methods.ts";
import { buildPlan, type ResolvedMethods } from "./plan.ts";
import type { ProjectPaths } from "./project-paths.ts";
import type { SourceFile } from "./source.ts";
import { validateConf, type ValidConf } from "./validate.ts";

/** What a project compiles to. */
export interface CheckedProject {
  readonly plan: Plan;
  readonly methods: ResolvedMethods;
  /** In file order. */
  readonly edges: readonly Edge[];
  /** Buckets that peach.conf names and wrangler.toml does not bind; empty unless they are accepted. */
  readonly unboundBuckets: readonly UnboundBucket[];
}

export interface CompileOptions {
  /** `npm run dev` binds missing buckets locally by itself; everybody else is told to. */
  readonly acceptUnboundBuckets?: boolean;
}

export type CompileResult =
  | {
      readonly ok: true;
      readonly diagnostics: readonly Diagnostic[];
      readonly plan: Plan;
      readonly unboundBuckets: readonly UnboundBucket[];
    }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** Compiles a project into `outDir`. Files whose content stays the same are not touched: dev servers watch them. */
export function compileProject(
  paths: ProjectPaths & { readonly outDir: string },
  options: CompileOptions = {},
): CompileResult {
  const { project, diagnostics } = checkProject(paths, options);
  if (project === null) return { ok: false, diagnostics };
  mkdirSync(paths.outDir, { recursive: true });
  writeIfChanged(join(paths.outDir, "plan.ts"), emitPlan(project.plan, paths));
  writeIfChanged(join(paths.outDir, "registry.ts"), emitRegistry(project.methods, paths));
  return { ok: true, diagnostics, plan: project.plan, unboundBuckets: project.unboundBuckets };
}

/** All that compiling finds out, in file order, without writing. The types of edges are `checkEdges`' part. */
export function checkProject(
  paths: ProjectPaths,
  options: CompileOptions = {},
): { readonly project: CheckedProject | null; readonly diagnostics: readonly Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const report = reportInto(diagnostics);
  const source: SourceFile = { path: displayPath(paths.confPath), text: readText(paths.confPath) ?? "" };
  const project =
    readText(paths.confPath) === null ? reportUnreadable(source, report) : check(paths, options, source, report);
  return { project: diagnostics.length === 0 ? project : null, diagnostics: inFileOrder(diagnostics, source.path) };
}

function reportUnreadable(source: SourceFile, report: Report): null {
  report({ source, start: 0, end: 0 }, "this file cannot be read", {
    hint: "PEACH_CONF names the file; without it peach.conf is used, else peach.conf.example",
  });
  return null;
}

function check(
  paths: ProjectPaths,
  options: CompileOptions,
  source: SourceFile,
  report: Report,
): CheckedProject | null {
  const found: Diagnostic[] = [];
  const reportHere: Report = (...problem) => {
    reportInto(found)(...problem);
    report(...problem);
  };
  const loaded = loadConf(source, reportHere);
  if (loaded === null) return null;
  const conf = validateConf(loaded, reportHere);
  const edges = checkGraph(conf, loaded, reportHere);
  checkEndpoints(conf, loaded, reportHere);
  const bound = checkBindings(paths, options, conf, loaded, reportHere);
  const folder = displayPath(paths.pipelinesDir);
  const modules = discoverModules(paths.pipelinesDir, displayPath, reportHere);
  if (modules === null) {
    reportHere({ source, start: 0, end: 0 }, `the pipelines folder ${folder} cannot be read`, {
      hint: "PEACH_PIPELINES names the folder; without it src/pipelines is used",
    });
    return null;
  }
  const methods = resolveMethods(conf, new MethodFinder(modules, folder, loaded, reportHere));
  if (found.length > 0) return null;
  const unbound = unboundBuckets(conf, bound);
  const buckets = [...bound, ...unbound.map(({ bucket, binding }) => [bucket, binding] as const)];
  return { plan: buildPlan(conf, methods, Object.fromEntries(buckets)), methods, edges, unboundBuckets: unbound };
}

function checkBindings(
  paths: ProjectPaths,
  options: CompileOptions,
  conf: ValidConf,
  loaded: LoadedConf,
  report: Report,
): Bindings {
  const wrangler: SourceFile = { path: displayPath(paths.wranglerPath), text: readText(paths.wranglerPath) ?? "" };
  const bound = boundBuckets(wrangler, report);
  if (bound === null) return new Map();
  if (options.acceptUnboundBuckets !== true) checkBuckets(conf, bound, wrangler.path, loaded, report);
  return bound;
}

function resolveMethods(conf: ValidConf, finder: MethodFinder): ResolvedMethods {
  const tasks = new Map<string, ResolvedMethod>();
  const endpoints = new Map<string, ResolvedMethod>();
  const fallbacks = new Map<string, ResolvedMethod>();
  for (const [name, { method, module }] of conf.tasks) {
    const found = method === undefined ? null : finder.find({ method, module, at: ["tasks", name], key: "method" });
    if (found !== null) tasks.set(name, found);
  }
  for (const [name, { method, module, fallback }] of conf.endpoints) {
    const at = ["endpoints", name];
    const found = method === undefined ? null : finder.find({ method, module, at, key: "method" });
    if (found !== null) endpoints.set(name, found);
    const other = fallback === undefined ? null : finder.find({ method: fallback, module, at, key: "fallback" });
    if (other !== null) fallbacks.set(name, other);
  }
  return { tasks, endpoints, fallbacks };
}

/** As people write it: relative to where they are, unless it is elsewhere. */
function displayPath(file: string): string {
  const path = relative("", file);
  return path.startsWith("..") || path === "" ? file : path;
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}

function writeIfChanged(file: string, text: string): void {
  if (readText(file) !== text) writeFileSync(file, text);
}
