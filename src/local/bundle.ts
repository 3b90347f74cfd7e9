/**
 * Bundles a worker into one file, which the local runtime runs unchanged and watches (`no_bundle`).
 *
 * `wrangler dev` could bundle too, but would poll every source as long as the runtime lives, and
 * block every request while a bundle fails. `wrangler dev` therefore gets successful bundles only.
 */
import { builtinModules } from "node:module";
import { basename, dirname, join, relative } from "node:path";
import { build, formatMessages, type BuildFailure, type BuildOptions, type Plugin } from "esbuild";
import { IS_CLONE, PACKAGE_ROOT, SOURCE_CONDITION } from "../compiler/project-paths.ts";

/** The folders of a bundle. */
export interface BundleOptions extends BundlePaths {
  /** The project, whose src/index.ts is bundled. */
  readonly projectRoot: string;
  /** The folder of the compiled plan and registry. */
  readonly generatedFolder: string;
}

/** The absolute paths of the bundle and of the map to its sources. */
export interface BundlePaths {
  readonly bundlePath: string;
  readonly sourceMapPath: string;
}

/** A worker as one ES module. Its last line names the map. */
export interface Bundle {
  readonly text: string;
  readonly sourceMap: string;
}

export type BundleResult =
  | { readonly ok: true; readonly bundle: Bundle }
  /** `diagnostics` is text for people. */
  | { readonly ok: false; readonly diagnostics: string };

/** The export conditions that wrangler uses for a deployment. */
const CONDITIONS = ["workerd", "worker", "browser"];
/** The condition that selects the modules of the local runtime. */
const LOCAL_CONDITION = "peach-local";

/** A clone bundles its own source. */
const SOURCE_CONDITIONS = IS_CLONE ? [SOURCE_CONDITION] : [];

/**
 * Bundles the worker of a project. Returns esbuild's messages for a broken source. Writes nothing.
 */
export async function bundleWorker({
  projectRoot,
  generatedFolder,
  ...paths
}: BundleOptions): Promise<BundleResult> {
  try {
    const bundle = await bundleModule(join(projectRoot, "src", "index.ts"), paths, {
      // Pipelines outside the project have no node_modules above them, so their imports resolve to
      // the project's packages.
      nodePaths: [join(projectRoot, "node_modules")],
      // Includes the modules of the local runtime: see `imports` in package.json.
      conditions: [LOCAL_CONDITION, ...SOURCE_CONDITIONS, ...CONDITIONS],
      plugins: [projectImports(projectRoot, generatedFolder)],
    });
    return { ok: true, bundle };
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    const messages = await formatMessages(error.errors, {
      kind: "error",
      color: process.stdout.isTTY,
    });
    return { ok: false, diagnostics: messages.join("\n").trim() };
  }
}

/**
 * Bundles any worker from its entry file. Throws esbuild's failure if a source is broken. Writes
 * nothing.
 */
export async function bundleModule(
  entry: string,
  { bundlePath, sourceMapPath }: BundlePaths,
  settings: Pick<BuildOptions, "conditions" | "nodePaths" | "plugins"> = {},
): Promise<Bundle> {
  const { outputFiles } = await build({
    ...settings,
    plugins: [...(settings.plugins ?? []), nodeModules()],
    entryPoints: [entry],
    // Nothing is written to this path. The map names the sources relative to the path.
    outfile: sourceMapPath.replace(/\.map$/, ""),
    bundle: true,
    write: false,
    format: "esm",
    // As in a deployment: the runtime itself does not read decorators.
    target: "es2024",
    platform: "neutral",
    conditions: settings.conditions ?? CONDITIONS,
    mainFields: ["browser", "module", "main"],
    loader: { ".txt": "text", ".html": "text", ".sql": "text" },
    external: ["cloudflare:*", "node:*"],
    sourcemap: "external",
    logLevel: "silent",
  });
  const textOf = (isMap: boolean): string =>
    outputFiles
      .filter(({ path }) => path.endsWith(".map") === isMap)
      .map(({ text }) => text)
      .join("");
  const mapUrl = relative(dirname(bundlePath), sourceMapPath);
  return { text: `${textOf(false)}//# sourceMappingURL=${mapUrl}\n`, sourceMap: textOf(true) };
}

/**
 * Resolves `peach/...` to this package from any file, and the generated files of src/index.ts to
 * the folder where they were written.
 */
function projectImports(projectRoot: string, generatedFolder: string): Plugin {
  const entry = join(projectRoot, "src", "index.ts");
  return {
    name: "project-imports",
    setup(esbuild) {
      esbuild.onResolve({ filter: /^\.\/generated\// }, ({ path, importer }) =>
        importer === entry ? { path: join(generatedFolder, basename(path)) } : undefined,
      );
      // An installed package brings its dashboard ready made.
      if (IS_CLONE)
        esbuild.onResolve({ filter: /^#generated\/dashboard$/ }, () => ({
          path: join(generatedFolder, "dashboard.ts"),
        }));
      esbuild.onResolve({ filter: /^peach\// }, ({ path, kind, pluginData }) =>
        pluginData === OWN
          ? undefined
          : esbuild.resolve(path, { kind, resolveDir: PACKAGE_ROOT, pluginData: OWN }),
      );
    },
  };
}

/** Node's modules, with and without `node:`. */
const NODE_MODULE = new RegExp(`^(?:node:)?(${builtinModules.join("|")})$`);

/**
 * Leaves Node's modules to the runtime, also for packages in CommonJS, which require the modules
 * without `node:`: such a require becomes an import, as in a deployment.
 */
function nodeModules(): Plugin {
  const namespace = "node-modules";
  return {
    name: namespace,
    setup(esbuild) {
      esbuild.onResolve({ filter: NODE_MODULE }, ({ path, kind }) => {
        const name = `node:${path.replace(/^node:/, "")}`;
        return kind === "require-call" ? { path: name, namespace } : { path: name, external: true };
      });
      esbuild.onLoad({ filter: /.*/, namespace }, ({ path }) => ({
        contents: `import whole from ${JSON.stringify(path)};\nmodule.exports = whole;`,
        loader: "js",
      }));
    },
  };
}

/** Marks an import that is resolved from the package itself. */
const OWN = Symbol("own");

/** Tests if an error is the report of the bundler about a broken source. */
function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && "errors" in error && Array.isArray(error.errors);
}
