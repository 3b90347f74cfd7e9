/**
 * The import rules of the source tree, as the lint rule `peach/imports`. The rule resolves each
 * import and compares the result with the table. A built-in rule sees only the text of a specifier
 * and would miss `../../src/compiler/load.ts` or `#generated/plan`. Type imports count too: an
 * erased import still is a dependency of the code.
 */
import { dirname, posix, relative, resolve, sep } from "node:path";
import type { Context, Visitor } from "./rule.ts";

type Source = Parameters<
  NonNullable<Visitor["ImportExpression" | "ExportNamedDeclaration"]>
>[0]["source"];

const ROOT = resolve(import.meta.dirname, "../..");
const ANY = /^/;
const NONE = /(?!)/;

const WHOLE_ZOD =
  'write `import * as z from "zod"`: the object `z` brings every part of zod into the bundle.';

/**
 * The folders of src, each with the lower folders that may be imported from there. Two folders
 * never depend on each other.
 */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  contract: ["domain"],
  platform: [],
  payloads: ["domain", "platform"],
  objects: ["domain", "contract", "platform", "payloads"],
  triggers: ["domain", "contract", "platform", "payloads", "objects"],
  execution: ["domain", "contract", "platform", "payloads", "objects", "triggers"],
  http: ["domain", "contract", "platform", "payloads", "objects", "execution", "triggers"],
  stores: ["domain", "platform", "objects", "execution"],
  worker: [
    "domain",
    "contract",
    "platform",
    "payloads",
    "objects",
    "execution",
    "triggers",
    "http",
    "generated",
  ],
  testing: [
    "domain",
    "contract",
    "platform",
    "payloads",
    "objects",
    "triggers",
    "execution",
    "http",
    "compiler",
  ],
  codes: ["domain"],
  compiler: ["domain", "contract", "codes"],
  client: ["domain", "contract"],
  local: ["domain", "contract", "codes", "compiler", "client"],
  project: ["domain", "contract", "codes", "compiler"],
  cli: ["domain", "contract", "codes", "compiler", "client", "local", "project", "testing"],
  dashboard: ["domain", "contract"],
  pipelines: [],
};

/** Imports that still run up, each with the reason. The list only gets shorter. */
const STILL_UP: Readonly<Record<string, readonly string[]>> = {
  // The client and the command line write and check JSON as the worker does.
  "src/client/payload.ts": ["src/payloads/json-text.ts"],
  "src/cli/payload-options.ts": ["src/payloads/json-fault.ts"],
  "src/cli/login-link.ts": ["src/http/auth/login-code.ts"],
};

/** A boundary. Files match by their path from the root with `/`, packages by their specifier. */
interface Boundary {
  readonly says: string;
  readonly from: RegExp;
  readonly files: RegExp;
  /** Further allowed files in the folder of the importing file. */
  readonly beside?: readonly string[];
  readonly packages: RegExp;
}

const BOUNDARIES: readonly Boundary[] = [
  {
    says: "domain imports no packages but one for cron expressions and one for mistyped names",
    from: /^src\/domain\/(?!nearest\.ts$|schedules\/cron\.ts$)/,
    files: ANY,
    packages: NONE,
  },
  {
    says: "domain imports no packages but one for cron expressions and one for mistyped names",
    from: /^src\/domain\//,
    files: ANY,
    packages: /^(croner|fastest-levenshtein)$/,
  },
  {
    says: "the compiler runs in Node: it imports only packages and node: modules",
    from: /^src\/compiler\//,
    files: ANY,
    packages: /^(?!cloudflare:|peach\/)/,
  },
  {
    says: "a store imports only domain, how tables are made, and how its rows are laid out",
    from: /^src\/objects\/([^/]+\/store|run\/(?:journal|entry-reader|payload-announcements|tombstone-store))\.ts$/,
    files: /^src\/(domain\/|objects\/tables\.ts$)/,
    beside: [
      "schema.ts",
      "journal-bytes.ts",
      "entry-layout.ts",
      "entry-reader.ts",
      "journal-storage.ts",
      "payload-announcements.ts",
      "tombstone-store.ts",
    ],
    packages: NONE,
  },
  {
    says: "the client imports no packages",
    from: /^src\/client\//,
    files: ANY,
    packages: NONE,
  },
  {
    says: "pipelines import only peach/task-helpers, peach/stores, packages and each other",
    from: /^src\/pipelines\//,
    files: /^src\/pipelines\//,
    packages: /^(?!peach\/(?!(?:task-helpers|stores)$))/,
  },
  {
    says: "http, triggers, execution and stores reach objects only through *-rpc.ts and *-client.ts",
    from: /^src\/(http|triggers|execution|stores)\//,
    files: /^(?!src\/objects\/[^/]+\/(?!.*-(rpc|client)\.ts$))/,
    packages: ANY,
  },
  {
    says: "the dashboard runs in a browser",
    from: /^src\/dashboard\//,
    files: ANY,
    packages: /^(?!cloudflare:|node:|peach\/|hono|zod)/,
  },
  {
    says: "only tests import what is deployed",
    from: /^(?!test\/|src\/index\.ts$)/,
    files: /^(?!src\/(index|worker\/worker)\.ts$)/,
    packages: ANY,
  },
  {
    says: "the worker imports nothing outside src",
    from: /^src\//,
    files: /^src\//,
    packages: ANY,
  },
  ...Object.entries(LAYERS).map(([folder, below]) => ({
    says: `${folder} imports only ${["its own files", ...below].join(", ")}`,
    from: new RegExp(`^src/${folder}/`),
    files: new RegExp(`^src/(${[folder, ...below].join("|")})/`),
    packages: ANY,
  })),
];

/**
 * Returns the message of the first rule that the import of `specifier` in `file` (a path from the
 * root) breaks, or null.
 */
function brokenRule(file: string, specifier: string): string | null {
  const target = resolveFile(file, specifier);
  if (target !== null && STILL_UP[file]?.includes(target) === true) return null;
  const broken = BOUNDARIES.find(({ from, files, beside = [], packages }) => {
    if (!from.test(file)) return false;
    if (target === null) return !packages.test(specifier);
    return (
      !files.test(target) &&
      !beside.some((name) => target === posix.join(posix.dirname(file), name))
    );
  });
  return broken === undefined ? null : `${broken.says}; this imports ${target ?? specifier}.`;
}

/** Resolves a specifier to a path from the root. Null for packages and built-in modules. */
function resolveFile(file: string, specifier: string): string | null {
  if (specifier.startsWith("#generated/"))
    return `src/generated/${specifier.slice("#generated/".length)}.ts`;
  if (!/^\.{0,2}\//.test(specifier)) return null;
  return fromRoot(resolve(ROOT, dirname(file), specifier));
}

/** Converts an absolute path to a path from the root with `/`. */
function fromRoot(path: string): string {
  return relative(ROOT, path).split(sep).join("/");
}

/** Reports each import that breaks a boundary. */
export function visitImports(context: Context): Visitor {
  const file = fromRoot(context.filename);
  const check = (source: Source): void => {
    if (source?.type !== "Literal" || typeof source.value !== "string") return;
    const message = brokenRule(file, source.value);
    if (message !== null) context.report({ node: source, message });
  };
  return {
    ImportDeclaration: (node) => {
      check(node.source);
      if (!file.startsWith("src/") || node.source.value !== "zod" || node.importKind === "type")
        return;
      for (const one of node.specifiers)
        if (one.local.name === "z" && one.type === "ImportSpecifier")
          context.report({ node: one, message: WHOLE_ZOD });
    },
    ExportNamedDeclaration: (node) => check(node.source),
    ExportAllDeclaration: (node) => check(node.source),
    ImportExpression: (node) => check(node.source),
    TSImportType: (node) => check(node.source),
  };
}
