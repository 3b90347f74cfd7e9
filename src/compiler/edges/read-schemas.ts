/**
 * Reads the schemas of tasks as sets of values. A schema exists only after its file was evaluated.
 * The files are bundled as for a deployment, and evaluated in a separate process.
 */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type BuildFailure, type Metafile, type Plugin } from "esbuild";
import { askReader } from "./ask-reader.ts";
import type { KnownValue, MethodAnswer, SchemaAnswer, WantedMethod } from "./reader-questions.ts";
import { SchemaCache } from "./schema-cache.ts";

/**
 * Reads methods, and parses known payloads. Writes to a folder under `.peach` of `root` and removes
 * the folder. A fault of the bundler is part of the answer; any other error is thrown. A method
 * whose answer `cache` still has is not read again, unless a payload is to be parsed with it.
 */
export async function readSchemas(
  all: readonly WantedMethod[],
  values: readonly KnownValue[],
  root: string,
  cache = new SchemaCache(),
): Promise<SchemaAnswer> {
  const parsed = new Set(values.map(({ key }) => key));
  const known = cache.known(all);
  const files = new Set(
    all.filter(({ key }) => !known.has(key) || parsed.has(key)).map(({ file }) => file),
  );
  const methods = all.filter(({ file }) => files.has(file));
  if (methods.length === 0) return { methods: known, refused: new Map(), errors: [] };
  const parent = join(root, ".peach");
  mkdirSync(parent, { recursive: true });
  // The folder is inside the project: packages then resolve as for pipelines.
  const folder = realpathSync(mkdtempSync(join(parent, "schemas-")));
  try {
    const file = join(folder, "pipelines.mjs");
    const begunAt = Date.now();
    const { text, metafile } = await bundle(methods, root, file);
    writeFileSync(file, text);
    const asked = await askReader<"schemas">({
      type: "schemas",
      ask: { bundle: pathToFileURL(file).href, methods, values },
    });
    const read = asked.ok ? { ...asked.answer, errors: [] } : unreadFiles(methods, asked.why);
    cache.keep(methods, read.methods, metafile, begunAt);
    return { ...read, methods: new Map([...known, ...read.methods]) };
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    return { methods: new Map(), refused: new Map(), errors: error.errors };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Returns the answer for files that ended the process, or hung: no method is known. */
function unreadFiles(methods: readonly WantedMethod[], why: string): SchemaAnswer {
  const answers = methods.map(({ key }): [string, MethodAnswer] => [
    key,
    { type: "unread", why, at: null },
  ]);
  return { methods: new Map(answers), refused: new Map(), errors: [] };
}

/** Bundles the files as lazy imports: a file that throws does not affect other files. */
async function bundle(
  methods: readonly WantedMethod[],
  root: string,
  outfile: string,
): Promise<{ readonly text: string; readonly metafile: Metafile }> {
  const files = [...new Set(methods.map(({ file }) => file))].map((file) => JSON.stringify(file));
  const { outputFiles, metafile } = await build({
    metafile: true,
    stdin: {
      contents: `export const modules = {${files.map((file) => `${file}: () => import(${file}),`).join("\n")}};`,
      resolveDir: root,
    },
    outfile,
    bundle: true,
    write: false,
    sourcemap: "inline",
    sourcesContent: false,
    format: "esm",
    // As in a deployment: Node does not read decorators, and of old `using` neither.
    target: "es2024",
    platform: "node",
    conditions: ["workerd", "worker"],
    nodePaths: [join(root, "node_modules")],
    banner: {
      js: 'import { createRequire as peachRequire } from "node:module"; const require = peachRequire(import.meta.url);',
    },
    loader: { ".txt": "text", ".html": "text", ".sql": "text", ".wasm": "empty", ".bin": "empty" },
    plugins: [stubs()],
    logLevel: "silent",
  });
  return { text: outputFiles[0]?.text ?? "", metafile };
}

/**
 * The stub for modules of a running worker. `task` of `peach/task-helpers` declares a task. Code
 * can read, call, extend and print any other property. The module is its own prototype: the bundler
 * copies the listed properties of a module to an object with the prototype of the module.
 */
const STUB = `
const stub = new Proxy(class {}, {
  get(target, name) {
    if (name === "prototype") return target.prototype;
    if (name === Symbol.toPrimitive) return () => "";
    return name === "then" || typeof name === "symbol" ? undefined : stub;
  },
  apply: () => stub,
});
const task = ({ input = null, output = null, run }) => ({ kind: "peach.task", input, output, run });
const all = new Proxy({ task }, {
  get: (target, name) => (name === "__esModule" ? true : name in target ? target[name] : stub),
  has: () => true,
  getPrototypeOf: () => all,
});
module.exports = all;
`;

/** Resolves modules of the platform and of Peach to the stub. */
function stubs(): Plugin {
  return {
    name: "stubs",
    setup(esbuild) {
      const filter = /^(cloudflare:|peach\/)/;
      esbuild.onResolve({ filter }, ({ path }) => ({ path, namespace: "stub" }));
      esbuild.onLoad({ filter: /.*/, namespace: "stub" }, () => ({ contents: STUB, loader: "js" }));
    },
  };
}

/** Tests if an error comes from the bundler. */
function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && "errors" in error && Array.isArray(error.errors);
}
