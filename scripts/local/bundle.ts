/**
 * Bundles the worker to one file, which is what the local runtime runs and watches. `wrangler dev` bundles too, but while its
 * bundle of changed sources fails it holds back every request; so it is only given bundles that have succeeded.
 */
import { join } from "node:path";
import { build, formatMessages, type BuildFailure, type OutputFile, type Plugin } from "esbuild";

export interface BundleOptions {
  readonly projectFolder: string;
  /** Where the compiled plan and registry are. */
  readonly generatedFolder: string;
}

export type BundleResult =
  | { readonly ok: true; readonly text: string }
  /** `diagnostics`: for people. */
  | { readonly ok: false; readonly diagnostics: string };

/** The worker as one ES module with an inline source map, or why there is none. Writes nothing. */
export async function bundleWorker(options: BundleOptions): Promise<BundleResult> {
  try {
    return { ok: true, text: (await run(options)).map((file) => file.text).join("") };
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    const messages = await formatMessages(error.errors, { kind: "error", color: process.stdout.isTTY });
    return { ok: false, diagnostics: messages.join("\n").trim() };
  }
}

async function run({ projectFolder, generatedFolder }: BundleOptions): Promise<OutputFile[]> {
  const { outputFiles } = await build({
    entryPoints: [join(projectFolder, "src", "index.ts")],
    bundle: true,
    write: false,
    format: "esm",
    target: "esnext",
    platform: "neutral",
    // As wrangler bundles for a deployment.
    conditions: ["workerd", "worker", "browser"],
    mainFields: ["browser", "module", "main"],
    keepNames: true,
    loader: { ".txt": "text", ".html": "text", ".sql": "text" },
    external: ["cloudflare:*", "node:*"],
    // Pipelines outside the project have no node_modules above them: what they import is the project's own.
    nodePaths: [join(projectFolder, "node_modules")],
    sourcemap: "inline",
    plugins: [projectImports(projectFolder, generatedFolder)],
    logLevel: "silent",
  });
  return outputFiles;
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
