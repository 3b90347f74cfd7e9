/**
 * The import rules of the source tree, as one lint rule: `peach/imports`. It resolves what is imported (a built-in rule sees only
 * the text of a specifier, so `../../src/conf/load.ts` or `#generated/plan` would slip through) and holds it against the table.
 * Types count: an import that is erased still says which way the code leans.
 */
import { dirname, posix, relative, resolve, sep } from "node:path";
import type { Context, Visitor } from "./rule.ts";

type Source = Parameters<NonNullable<Visitor["ImportExpression" | "ExportNamedDeclaration"]>>[0]["source"];

const ROOT = resolve(import.meta.dirname, "../..");
const ANY = /^/;
const NONE = /(?!)/;

/** Files match by path from the root with `/`, packages by their specifier. */
interface Boundary {
  readonly says: string;
  readonly from: RegExp;
  readonly files: RegExp;
  /** Also these files of the importing file's own folder. */
  readonly beside?: readonly string[];
  readonly packages: RegExp;
}

const BOUNDARIES: readonly Boundary[] = [
  {
    says: "core imports nothing outside core",
    from: /^src\/core\//,
    files: /^src\/core\//,
    packages: NONE,
  },
  {
    says: "conf imports only core, packages and node: modules",
    from: /^src\/conf\//,
    files: /^src\/(core|conf)\//,
    packages: /^(?!cloudflare:|peach\/)/,
  },
  {
    says: "a store imports only core, how tables are made, and how its rows are laid out",
    from: /^src\/[^/]+\/store\.ts$/,
    files: /^src\/(core\/|platform\/tables\.ts$)/,
    beside: ["schema.ts", "packer.ts", "entry-layout.ts"],
    packages: NONE,
  },
  {
    says: "the client imports only its own files, core, and how JSON is written",
    from: /^src\/client(\.ts$|\/)/,
    files: /^src\/(client\/|core\/|payload\/json-text\.ts$|task\/peach-tasks\.ts$)/,
    packages: NONE,
  },
  {
    says: "pipelines import only peach/task-helpers, packages and each other",
    from: /^src\/pipelines\//,
    files: /^src\/pipelines\//,
    packages: /^(?!peach\/(?!task-helpers$))/,
  },
  {
    says: "http, trigger and task reach objects only through *-rpc.ts and *-client.ts",
    from: /^src\/(http|trigger|task)\//,
    files:
      /^(?!src\/(run|catalog|controls|dead-letters|deaths|deliveries|identity|limits|schedules|versions)\/(?!.*-(rpc|client)\.ts$))/,
    packages: ANY,
  },
  {
    says: "the dashboard imports only its own files, core and packages: it runs in a browser",
    from: /^src\/dashboard\//,
    files: /^src\/(dashboard|core)\//,
    packages: /^(?!cloudflare:|node:|peach\/|hono|zod)/,
  },
  {
    says: "the worker serves the dashboard as text, and imports none of it",
    from: /^src\/(?!dashboard\/)/,
    files: /^(?!src\/dashboard\/)/,
    packages: ANY,
  },
  {
    says: "only tests import src/index.ts",
    from: /^(?!test\/)/,
    files: /^(?!src\/index\.ts$)/,
    packages: ANY,
  },
  {
    says: "the worker imports nothing outside src",
    from: /^src\//,
    files: /^src\//,
    packages: ANY,
  },
];

/** What the import of `specifier` in `file` (a path from the root) breaks, one sentence each. */
function brokenRules(file: string, specifier: string): string[] {
  const target = resolveFile(file, specifier);
  return BOUNDARIES.filter(({ from, files, beside = [], packages }) => {
    if (!from.test(file)) return false;
    if (target === null) return !packages.test(specifier);
    return !files.test(target) && !beside.some((name) => target === posix.join(posix.dirname(file), name));
  }).map(({ says }) => `${says}; this imports ${target ?? specifier}.`);
}

/** The path from the root that a specifier means, or null if it is a package or a built-in module. */
function resolveFile(file: string, specifier: string): string | null {
  if (specifier.startsWith("#generated/")) return `src/generated/${specifier.slice("#generated/".length)}.ts`;
  if (!/^\.{0,2}\//.test(specifier)) return null;
  return fromRoot(resolve(ROOT, dirname(file), specifier));
}

function fromRoot(path: string): string {
  return relative(ROOT, path).split(sep).join("/");
}

/** Reports each import that breaks a boundary. */
export function visitImports(context: Context): Visitor {
  const file = fromRoot(context.filename);
  const check = (source: Source): void => {
    if (source?.type !== "Literal" || typeof source.value !== "string") return;
    for (const message of brokenRules(file, source.value)) context.report({ node: source, message });
  };
  return {
    ImportDeclaration: (node) => check(node.source),
    ExportNamedDeclaration: (node) => check(node.source),
    ExportAllDeclaration: (node) => check(node.source),
    ImportExpression: (node) => check(node.source),
    TSImportType: (node) => check(node.source),
  };
}
