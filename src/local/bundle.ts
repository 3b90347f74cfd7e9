/**
 * Bundles a worker to one file, which is what the local runtime runs as it is and watches (`no_bundle`). `wrangler dev` could
 * bundle too, but its bundler polls every source for as long as the runtime lives, and while a bundle of changed sources fails
 * it holds back every request; so it is only given bundles that have succeeded.
 */
import { dirname, join, relative } from "node:path";
import { build, formatMessages, type BuildFailure, type BuildOptions, type Plugin } from "esbuild";

export interface BundleOptions extends BundlePaths {
  readonly projectFolder: string;
  /** Where the compiled plan and registry are. */
  readonly generatedFolder: string;
}

/** Where the bundle and the map to its sources will be, absolute. */
export interface BundlePaths {
  readonly bundlePath: string;
  readonly sourceMapPath: string;
}

/** A worker as one ES module, which names its map in its last line. */
export interface Bundle {
  readonly text: string;
  readonly sourceMap: string;
}

export type BundleResult =
  | { readonly ok: true; readonly bundle: Bundle }
  /** `diagnostics`: for people. */
  | { readonly ok: false; readonly diagnostics: string };

/** As wrangler bundles for a deployment. */
const CONDITIONS = ["workerd", "worker", "browser"];
const LOCAL_CONDITION = "peach-local";

/** Peach's worker, or why there is none. Writes nothing. */
export async function bundleWorker({
  projectFolder,
  generatedFolder,
  ...paths
}: BundleOptions): Promise<BundleResult> {
  try {
    const bundle = await bundleModule(join(projectFolder, "src", "index.ts"), paths, {
      // Pipelines outside the project have no node_modules above them: what they import is the project's own.
      nodePaths: [join(projectFolder, "node_modules")],
      // With what only the local runtime has: see `imports` in package.json.
      conditions: [LOCAL_CONDITION, ...CONDITIONS],
      plugins: [projectImports(projectFolder, generatedFolder)],
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

/** Any worker, from its entry file. Throws esbuild's failure if a source is broken. Writes nothing. */
export async function bundleModule(
  entry: string,
  { bundlePath, sourceMapPath }: BundlePaths,
  settings: Pick<BuildOptions, "conditions" | "nodePaths" | "plugins"> = {},
): Promise<Bundle> {
  const { outputFiles } = await build({
    ...settings,
    entryPoints: [entry],
    // Nothing is written there: the map names its sources as seen from here.
    outfile: sourceMapPath.replace(/\.map$/, ""),
    bundle: true,
    write: false,
    format: "esm",
    target: "esnext",
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

/** The imports that package.json gives a meaning inside the project, from wherever they are made. */
function projectImports(projectFolder: string, generatedFolder: string): Plugin {
  const files: Readonly<Record<string, string>> = {
    "#generated/plan": join(generatedFolder, "plan.ts"),
    "#generated/dashboard": join(generatedFolder, "dashboard.ts"),
    "#generated/registry": join(generatedFolder, "registry.ts"),
    "peach/task-helpers": join(projectFolder, "src", "task-helpers.ts"),
  };
  return {
    name: "project-imports",
    setup(esbuild) {
      esbuild.onResolve({ filter: /^(#generated|peach)\// }, ({ path }) => {
        const file = files[path];
        return file === undefined ? undefined : { path: file };
      });
    },
  };
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && "errors" in error && Array.isArray(error.errors);
}
