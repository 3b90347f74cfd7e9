/**
 * The settings of TypeScript for reading the types of plain functions, and access to the project's
 * own TypeScript.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type * as TypeScript from "typescript/unstable/sync";
import { IS_CLONE, PACKAGE_ROOT, type ProjectPaths, SOURCE_CONDITION } from "../project-paths.ts";
import { parseJson, readText } from "../read-file.ts";
import { isMapping } from "../schema-parts.ts";

/**
 * The configuration for reading the types of pipeline files. A clone uses the settings of its
 * source. The settings of a project do not matter: they may be stricter or looser than the check.
 */
export function tsconfigFor(
  { projectRoot, pipelinesDir }: ProjectPaths,
  pipelines: readonly string[],
  folder: string,
): object {
  const outside = relative(projectRoot, pipelinesDir).startsWith("..");
  const compilerOptions = {
    paths: { ...packageEntries(), ...(outside && installedPackages(projectRoot)) },
  };
  const files = [
    ...pipelines,
    join(projectRoot, "worker-configuration.d.ts"),
    ...(IS_CLONE ? [join(PACKAGE_ROOT, "src/env.d.ts")] : []),
  ].filter((file) => existsSync(resolve(folder, file)));
  if (IS_CLONE)
    return {
      extends: relative(folder, join(PACKAGE_ROOT, "tsconfig.src.json")),
      compilerOptions,
      include: [],
      files,
    };
  return {
    compilerOptions: { ...PROJECT_OPTIONS, ...compilerOptions, types: typesOf(projectRoot) },
    files,
  };
}

/**
 * The types that pipelines see beside their imports: the platform's, from the project's own
 * `wrangler types` if that has them, and Node's if the project has installed them.
 */
function typesOf(projectRoot: string): string[] {
  const generated = readText(join(projectRoot, "worker-configuration.d.ts")) ?? "";
  const platform = generated.includes("// Begin runtime types")
    ? []
    : [packageFolder("@cloudflare/workers-types", PACKAGE_ROOT)];
  try {
    return [...platform, packageFolder("@types/node", projectRoot)];
  } catch {
    return platform;
  }
}

/** TypeScript's settings for the pipelines of a project. */
const PROJECT_OPTIONS = {
  target: "esnext",
  module: "esnext",
  moduleResolution: "bundler",
  lib: ["esnext"],
  noEmit: true,
  strict: true,
  allowImportingTsExtensions: true,
  resolveJsonModule: true,
  skipLibCheck: true,
};

/** Maps `peach/...` to this package, also for pipelines outside of any project. */
function packageEntries(): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    ["task-helpers", "stores", "worker", "client"].map((name) => [
      `peach/${name}`,
      [entryTypes(name)],
    ]),
  );
}

/** Returns the file that declares what `peach/NAME` exports, as package.json says. */
function entryTypes(name: string): string {
  const { exports } = readManifest(PACKAGE_ROOT);
  const entry = isMapping(exports) ? exports[`./${name}`] : undefined;
  const file = isMapping(entry) ? entry[IS_CLONE ? SOURCE_CONDITION : "types"] : undefined;
  if (typeof file !== "string") throw new Error(`package.json exports no types of peach/${name}`);
  return join(PACKAGE_ROOT, file);
}

/**
 * Maps packages for pipelines outside the project. Without node_modules above them, their imports
 * resolve to the project's packages, as in the bundler.
 */
function installedPackages(projectRoot: string): Readonly<Record<string, readonly string[]>> {
  const manifest = readManifest(projectRoot);
  const names = [manifest["dependencies"], manifest["devDependencies"]].flatMap((named) =>
    isMapping(named) ? Object.keys(named) : [],
  );
  const packages = [...names, "zod"].filter((name) => name !== "peach");
  return Object.fromEntries(
    packages.map((name) => [name, [join(projectRoot, "node_modules", name)]]),
  );
}

/** Reads the package.json of a folder; an empty object without one. */
function readManifest(folder: string): Readonly<Record<string, unknown>> {
  const text = readText(join(folder, "package.json"));
  const manifest: unknown = text === null ? {} : parseJson(text);
  return isMapping(manifest) ? manifest : {};
}

/** Resolves a package from a folder. Throws if the package is not installed. */
function packageFolder(name: string, from: string): string {
  const require = createRequire(join(from, "package.json"));
  return dirname(require.resolve(`${name}/package.json`));
}

/** The error about a missing package. The message has the command that installs the package. */
export class MissingPackageError extends Error {}

/** The checker of TypeScript 7, as a library. */
export type TypeScriptApi = typeof TypeScript;

/** Loads the project's own TypeScript. */
export async function typeScriptOf(projectRoot: string): Promise<TypeScriptApi> {
  const loaded: TypeScriptApi = await import(pathToFileURL(apiOf(projectRoot)).href);
  return loaded;
}

/** Throws `MissingPackageError` if the project has no TypeScript with the checker as a library. */
export function requireTypeScript(projectRoot: string): void {
  try {
    apiOf(projectRoot);
  } catch {
    throw new MissingPackageError(
      "the types of the pipelines cannot be checked: this project has no TypeScript 7; npm install --save-dev typescript@7",
    );
  }
}

/** Resolves the checker's entry in the project's TypeScript. Throws without TypeScript 7. */
function apiOf(projectRoot: string): string {
  const require = createRequire(join(projectRoot, "package.json"));
  return require.resolve("typescript/unstable/sync");
}
