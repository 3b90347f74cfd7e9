/**
 * Gives the pool's tests the source as one module. A test file evaluates all that it imports anew, which was some five hundred modules:
 * more work than most of the tests.
 */
import { existsSync, globSync, readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { build, type Plugin as EsbuildPlugin } from "esbuild";
import type { Plugin } from "vitest/config";

const ROOT = resolve(import.meta.dirname, "../../..");
const BUNDLE = join(import.meta.dirname, "bundle.js");
/** What is bundled if a test imports it. */
const BUNDLED = ["src", "test/support"].map((folder) => join(ROOT, folder));
/** The worker under test. */
const MAIN = join(ROOT, "src/index.ts");
/** Evaluated beside the bundle: what runs before each test file, and what takes in a large package for the few files that need it. */
const BESIDE = ["pool/setup.ts", "property.ts", "random-run.ts"].map((path) => join(ROOT, "test/support", path));
const IMPORTED =
  /^(?:import|export)\s(?!type\b)[^"';]*?\bfrom\s+"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)|^import\s+"([^"]+)"/gm;
const PASSED_ON = /^export \* from "([^"]+)"/gm;

interface Alias {
  readonly find: string | RegExp;
  readonly replacement: string;
}

/** Where an import leads by the aliases and by its path; null for a package. */
function pathOf(specifier: string, importer: string, aliases: readonly Alias[]): string | null {
  for (const { find, replacement } of aliases) {
    const isMeant = typeof find === "string" ? specifier === find : find.test(specifier);
    if (isMeant) return resolve(specifier.replace(find, replacement));
  }
  return specifier.startsWith(".") ? resolve(dirname(importer), specifier) : null;
}

function isBundled(path: string): boolean {
  return BUNDLED.some((folder) => path.startsWith(folder)) && !BESIDE.includes(path);
}

/** The modules of the source and its helpers that these files import. */
function importedBy(files: readonly string[], aliases: readonly Alias[]): string[] {
  const found = new Set([MAIN]);
  for (const file of files) {
    for (const [, one, other, third] of readFileSync(file, "utf8").matchAll(IMPORTED)) {
      const path = pathOf(one ?? other ?? third ?? "", file, aliases);
      if (path !== null && isBundled(path) && existsSync(path)) found.add(path);
    }
  }
  return [...found].toSorted();
}

/** The names that each of these modules exports, types left out. */
async function exportsOf(
  files: readonly string[],
  aliases: readonly Alias[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { metafile } = await build({
    entryPoints: [...files],
    bundle: false,
    write: false,
    metafile: true,
    format: "esm",
    outdir: "names",
    absWorkingDir: ROOT,
  });
  const names = new Map<string, readonly string[]>();
  for (const { entryPoint = "", exports } of Object.values(metafile.outputs)) {
    const file = join(ROOT, entryPoint);
    const passedOn = [...readFileSync(file, "utf8").matchAll(PASSED_ON)].flatMap(
      ([, from = ""]) => pathOf(from, file, aliases) ?? [],
    );
    const more = passedOn.length === 0 ? [] : [...(await exportsOf(passedOn, aliases)).values()].flat();
    names.set(file, [...new Set([...exports, ...more])]);
  }
  return names;
}

/** Leads as the pool's configuration does: by its aliases, and to packages, which stay outside. */
function likeThePool(aliases: readonly Alias[]): EsbuildPlugin {
  return {
    name: "like-the-pool",
    setup(all) {
      all.onResolve({ filter: /.*/ }, ({ path, importer }) => {
        const found = pathOf(path, importer, aliases);
        if (found !== null) return { path: found, external: BESIDE.includes(found) };
        // It is found by its path, or by `imports` of package.json.
        return path.startsWith("/") || path.startsWith("#") ? undefined : { external: true };
      });
    },
  };
}

interface Bundle {
  readonly code: string;
  readonly map: SourceMap;
  /** What stands in place of a module: it passes on what the bundle exports of it. */
  readonly stubs: ReadonlyMap<string, string>;
  /** All modules of the bundle. */
  readonly within: ReadonlySet<string>;
}

/** The text of a module that passes on what another exports, under other names. */
function passOn(from: string, names: readonly (readonly [string, string])[]): string {
  return `export { ${names.map(([name, as]) => `${name} as ${as}`).join(", ")} } from ${JSON.stringify(from)};`;
}

export interface BundledModules {
  /** Patterns of the files that are no test files of the pool. */
  readonly exclude: readonly string[];
  /** Those by which `imports` of package.json lead. */
  readonly conditions: readonly string[];
  readonly aliases: readonly Alias[];
}

/**
 * The line of the bundle that is this one of it as Vite has printed it anew. Both name each function by a call of its own, which are
 * in the same order: it is as far from the next one.
 */
function sameLine(line: number, printed: string, bundled: string): number {
  const [ours, theirs] = [printed, bundled].map((code) =>
    code.split("\n").flatMap((text, index) => [...text.matchAll(/\b__name\(/g)].map(() => index + 1)),
  );
  const next = ours?.findIndex((at) => at >= line) ?? -1;
  return (theirs?.[next] ?? 0) - (ours?.[next] ?? 0) + line;
}

/** Makes the bundle. */
async function bundle({ exclude, conditions, aliases }: BundledModules): Promise<Bundle> {
  const tests = globSync("test/**/*.ts", { cwd: ROOT, exclude: [...exclude] }).map((file) => join(ROOT, file));
  const entries = importedBy([...tests, ...BESIDE], aliases);
  const names = await exportsOf(entries, aliases);
  /** Each export with its name in the bundle. */
  const renamed = entries.map((entry, index) =>
    (names.get(entry) ?? []).map((name) => [name, `m${index}_${name}`] as const),
  );
  const { outputFiles, metafile } = await build({
    stdin: {
      contents: entries.map((entry, index) => passOn(entry, renamed[index] ?? [])).join("\n"),
      resolveDir: ROOT,
    },
    bundle: true,
    write: false,
    metafile: true,
    // Each file would take it in anew: it is for the lines of a failure, which are read elsewhere.
    sourcemap: "external",
    sourcesContent: false,
    outfile: BUNDLE,
    format: "esm",
    target: "esnext",
    keepNames: true,
    conditions: [...conditions],
    plugins: [likeThePool(aliases)],
    absWorkingDir: ROOT,
  });
  const [map, code] = [".js.map", ".js"].map((end) => outputFiles.find(({ path }) => path.endsWith(end))?.text ?? "");
  return {
    code: code ?? "",
    map: new SourceMap(JSON.parse(map ?? "")),
    stubs: new Map(
      entries.map((entry, index) => [
        entry,
        passOn(
          BUNDLE,
          (renamed[index] ?? []).map(([name, as]) => [as, name]),
        ),
      ]),
    ),
    within: new Set(Object.keys(metafile.inputs).map((path) => join(ROOT, path))),
  };
}

/** Makes the plugin. */
export function bundledModules(options: BundledModules): Plugin {
  let isMeant = true;
  let bundled: Promise<Bundle> | null = null;
  let made: Bundle | null = null;
  return {
    name: "peach-bundled-modules",
    enforce: "pre",
    // Its global setup compiles what is bundled.
    applyToEnvironment: ({ name }) => name === "ssr",
    configureVitest({ vitest: { config }, project, defineCacheKeyGenerator }) {
      // Who asks which tests a change concerns, or what they run, is told module by module.
      isMeant =
        !config.watch && config.changed === undefined && config.related === undefined && !config.coverage.enabled;
      // The frames of a failure are of the files that were bundled.
      project.config.onStackTrace = (_, frame) => {
        if (frame.file !== BUNDLE || made === null) return;
        const evaluated = project.vite.environments.ssr.moduleGraph.getModuleById(BUNDLE)?.transformResult?.code ?? "";
        const at = made.map.findOrigin(sameLine(frame.line, evaluated, made.code), frame.column);
        if ("fileName" in at)
          Object.assign(frame, {
            file: resolve(dirname(BUNDLE), at.fileName),
            line: at.lineNumber,
            column: at.columnNumber,
          });
      };
      // What stands in place of a file does not only depend on the file.
      defineCacheKeyGenerator(({ id }) => (isMeant && id !== BUNDLE && isBundled(id) ? false : undefined));
    },
    resolveId: (id) => (id === BUNDLE || join(ROOT, id) === BUNDLE ? BUNDLE : undefined),
    async load(id) {
      if (!isMeant || !isBundled(id)) return undefined;
      bundled ??= bundle(options);
      made = await bundled;
      const { code, stubs, within } = made;
      const text = id === BUNDLE ? code : stubs.get(id);
      if (text === undefined && within.has(id))
        throw new Error(`${relative(ROOT, id)} is a part of the bundle, and would be evaluated twice`);
      return text === undefined ? undefined : { code: text, map: { mappings: "" } };
    },
  };
}
