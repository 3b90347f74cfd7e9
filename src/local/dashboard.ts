/**
 * Builds the dashboard: bundles src/dashboard into one module of text, `#generated/dashboard`,
 * which the worker serves.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { build } from "esbuild";
import { PACKAGE_ROOT } from "../compiler/project-paths.ts";
import { readText } from "../compiler/read-file.ts";

/** Content types by file extension. */
const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/**
 * The HTML document and its files by name. Names contain a hash, so browsers may keep the files
 * forever.
 */
export interface BuiltDashboard {
  readonly document: string;
  readonly assets: Readonly<Record<string, { readonly type: string; readonly text: string }>>;
}

/**
 * Builds the document and the files that it loads. Throws esbuild's failure if a source is broken.
 */
export async function buildDashboard(): Promise<BuiltDashboard> {
  const source = join(PACKAGE_ROOT, "src", "dashboard");
  const bundle = async (
    entry: string,
    format: "esm" | "iife",
    define: Record<string, string>,
  ): Promise<string> => {
    const { outputFiles } = await build({
      entryPoints: [join(source, entry)],
      bundle: true,
      minify: true,
      write: false,
      format,
      target: "es2022",
      platform: "browser",
      jsx: "automatic",
      jsxImportSource: "preact",
      legalComments: "none",
      // A tsconfig.json above this project may have other JSX settings.
      tsconfigRaw: {},
      define,
      logLevel: "silent",
    });
    return outputFiles.map((file) => file.text).join("");
  };
  const assets: Record<string, { type: string; text: string }> = {};
  const add = (name: string, text: string): string => {
    const kind = extname(name);
    const digest = createHash("sha256").update(text).digest("hex").slice(0, 12);
    const file = `${basename(name, kind)}-${digest}${kind}`;
    assets[file] = { type: TYPES[kind] ?? "application/octet-stream", text };
    return `/dashboard/assets/${file}`;
  };

  const layout = add("layout.js", await bundle("graph/layout-worker.ts", "iife", {}));
  const paths: Readonly<Record<string, string>> = {
    theme: add("theme.js", await bundle("theme-first.ts", "iife", {})),
    style: add("style.css", await bundle("style/style.css", "esm", {})),
    icon: add("icon.svg", readFileSync(join(source, "icon.svg"), "utf8")),
    main: add(
      "main.js",
      await bundle("main.tsx", "esm", { LAYOUT_WORKER: JSON.stringify(layout) }),
    ),
  };
  const document = readFileSync(join(source, "index.html"), "utf8").replaceAll(
    /\{\{(\w+)\}\}/g,
    (_, name: string) => paths[name] ?? "",
  );
  return { document, assets };
}

/**
 * Writes the module into a folder, unless it is there already. Only a clone has the sources of the
 * dashboard; an installed package has the module.
 */
export async function writeDashboard(generatedFolder: string): Promise<void> {
  const { document, assets } = await buildDashboard();
  const file = join(generatedFolder, "dashboard.ts");
  const text = `// Made by \`npm run compile\` from src/dashboard. Do not edit.
export const document = ${JSON.stringify(document)};

export const assets = ${JSON.stringify(assets, null, 2)};
`;
  mkdirSync(generatedFolder, { recursive: true });
  if (readText(file) !== text) writeFileSync(file, text);
}
