/**
 * `npm run build`: makes `dist/`, which `npm pack` publishes. esbuild makes the JavaScript, with
 * the dashboard inside and the packages outside. tsc makes the declarations; unreachable
 * declarations are deleted. The Python module for notebooks goes along. Each export with a source
 * in package.json is an entry.
 */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { build } from "esbuild";
import { SOURCE_CONDITION } from "../src/compiler/project-paths.ts";
import { bundleKit } from "../src/testing/platform/bundle.ts";

const ROOT = resolve(import.meta.dirname, "..");
const DIST = join(ROOT, "dist");
const DECLARATIONS = join(DIST, "types");

/** Built files that are no export: the command line, and the modules of `#local-runtime`. */
const INTERNAL: Readonly<Record<string, string>> = {
  cli: "src/cli/peach.ts",
  guard: "src/local/guard.ts",
  "replay-local": "src/testing/replay-local.ts",
  "reader-process": "src/compiler/edges/reader-process.ts",
  "local-runtime": "src/http/local/present.ts",
  "no-local-runtime": "src/http/local/absent.ts",
};

/** Reads the sources of the exports, by the name of their built file. */
function exportedSources(): Record<string, string> {
  const { exports }: { exports: Record<string, Record<string, string> | string> } = JSON.parse(
    readFileSync(join(ROOT, "package.json"), "utf8"),
  );
  return Object.fromEntries(
    Object.entries(exports).flatMap(([name, entry]) => {
      const source = typeof entry === "string" ? undefined : entry[SOURCE_CONDITION];
      return source === undefined ? [] : [[name.slice("./".length), source]];
    }),
  );
}

async function buildScripts(entries: Readonly<Record<string, string>>): Promise<void> {
  await build({
    absWorkingDir: ROOT,
    entryPoints: entries,
    outdir: DIST,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    // The command line runs in Node 24. The other entries run on workerd, or in a user's bundle.
    target: "es2024",
    packages: "external",
    conditions: [SOURCE_CONDITION],
    external: ["cloudflare:*", "#local-runtime"],
    alias: { "#generated/dashboard": join(ROOT, "src", "generated", "dashboard.ts") },
    chunkNames: "chunks/[name]-[hash]",
    sourcemap: true,
    sourcesContent: true,
    logLevel: "warning",
  });
}

/** Declares `Env` in a project, whose own `wrangler types` adds its bindings. */
const ENV = "interface Env {}\n";

/** Writes the declarations of the exports, `dist/NAME.d.ts`, and the imported declarations. */
function buildDeclarations(entries: Readonly<Record<string, string>>): void {
  const config = join(ROOT, "tsconfig.build.json");
  execFileSync(
    process.execPath,
    [join(ROOT, "node_modules/typescript/bin/tsc"), "--project", config, "--checkers", "1"],
    {
      cwd: ROOT,
      stdio: "inherit",
    },
  );
  const kept = new Set<string>();
  writeFileSync(join(DIST, "env.d.ts"), ENV);
  for (const [name, source] of Object.entries(entries)) {
    const file = join(DECLARATIONS, relative("src", source).replace(/\.ts$/, ".d.ts"));
    keep(file, kept);
    const target = `./${relative(DIST, file).replace(/\.d\.ts$/, ".js")}`;
    const text = `/// <reference path="./env.d.ts" />\nexport * from ${JSON.stringify(target)};\n`;
    writeFileSync(join(DIST, `${name}.d.ts`), text);
  }
  for (const entry of readdirSync(DECLARATIONS, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile() && !kept.has(file)) rmSync(file);
  }
}

/** An import of a file of this project, in a declaration. */
const RELATIVE = /(["'])(\.{1,2}\/[^"']+)\.ts\1/g;

/** Keeps a declaration with its imports, and renames each import from `.ts` to `.js`. */
function keep(file: string, kept: Set<string>): void {
  if (kept.has(file)) return;
  kept.add(file);
  const text = readFileSync(file, "utf8");
  for (const [, , path = ""] of text.matchAll(RELATIVE)) {
    const imported = join(dirname(file), `${path}.d.ts`);
    if (existsSync(imported)) keep(imported, kept);
  }
  writeFileSync(
    file,
    text.replaceAll(RELATIVE, (_, quote: string, path: string) => `${quote}${path}.js${quote}`),
  );
}

rmSync(DIST, { recursive: true, force: true });
mkdirSync(DIST);
// The declarations need the worker's entry, which imports generated files. Compiling writes the
// generated files and the dashboard.
execFileSync(
  process.execPath,
  ["--import", "./scripts/node-version.js", "src/cli/bin/compile.ts"],
  {
    cwd: ROOT,
    stdio: ["ignore", "ignore", "inherit"],
  },
);
const entries = exportedSources();
await buildScripts({ ...entries, ...INTERNAL });
// An installed package has no bundler, so peach/testing evaluates a ready bundle of the engine.
writeFileSync(join(DIST, "testing-engine.js"), await bundleKit());
buildDeclarations(entries);
// The module for notebooks.
cpSync(join(ROOT, "src/lab"), join(DIST, "lab"), {
  recursive: true,
  filter: (path) => basename(path) !== "__pycache__",
});
