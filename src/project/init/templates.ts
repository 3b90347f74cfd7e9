/**
 * Reads the files of a new project from the package. `templates/webhook` is a whole project, ready
 * to be copied by other tools. The further examples replace its pipelines; `transcription` takes
 * those of this repository.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { isMapping } from "../../compiler/schema-parts.ts";
import { jsonText, parsed, textOf } from "../json-text.ts";
import type { Files } from "../new-files.ts";

/** The examples of `peach init --example`. */
export const EXAMPLES = [
  "webhook",
  "blank",
  "transcription",
  "collaborative_filtering",
  "popular_items",
  "similar_items",
] as const;
export type Example = (typeof EXAMPLES)[number];

/** Further names of examples. */
export const EXAMPLE_ALIASES: Readonly<Record<string, Example>> = {
  audio_transcription: "transcription",
};

/** The placeholder for the name of a project in the templates. */
export const TEMPLATE_NAME = "my-pipelines";

/** The `.gitignore` of a project. npm leaves such a file out of a package. */
export const GITIGNORE = `node_modules/
.wrangler/
.peach/
.dev.vars
src/generated/
*.log
`;

/** The files of `templates/webhook` that belong to its pipelines. */
const OWN = /^(peach\.conf|README\.md|\.dev\.vars\.example|(src\/pipelines|test|sample)\/.*)$/;

/** Reads the files of an example, with `my-pipelines` as the project's name. */
export function templateFiles(packageRoot: string, example: Example): Files {
  const whole = { ...filesIn(join(packageRoot, "templates/webhook")), ".gitignore": GITIGNORE };
  if (example === "webhook") return whole;
  const shared = Object.fromEntries(Object.entries(whole).filter(([path]) => !OWN.test(path)));
  const own = filesIn(join(packageRoot, "templates", example));
  const files: Files = {
    ...shared,
    ...own,
    "package.json": withoutWebhook(shared["package.json"]),
  };
  if (example === "blank") return { ...files, "package.json": withoutDemo(files["package.json"]) };
  return {
    ...files,
    ...(example === "transcription" ? exampleFiles(packageRoot) : {}),
    "package.json": withPackages(packageRoot, files["package.json"], EXAMPLE_PACKAGES[example]),
    "wrangler.toml": `${textOf(shared["wrangler.toml"])}${textOf(own["wrangler.toml"])}`,
  };
}

/** The packages that the pipelines of an example import, beside Peach. */
const EXAMPLE_PACKAGES: Readonly<Record<Exclude<Example, "webhook" | "blank">, readonly string[]>> =
  {
    transcription: ["media-captions", "minisearch", "zod"],
    collaborative_filtering: ["zod"],
    popular_items: ["zod"],
    similar_items: ["zod"],
  };

/** Reads the example of this repository: peach.conf, the pipelines and the sample. */
function exampleFiles(packageRoot: string): Files {
  const conf = readFileSync(join(packageRoot, "peach.conf.example"), "utf8");
  // The lines about a copy are for a clone.
  const own = conf.replace(/#\n# To make it your own:[^\n]*\n#[^\n]*\n/, "");
  return {
    "peach.conf": own,
    ...below("src/pipelines", filesIn(join(packageRoot, "src/pipelines"))),
    ...below("sample", filesIn(join(packageRoot, "sample"))),
  };
}

function below(folder: string, files: Files): Files {
  return Object.fromEntries(
    Object.entries(files).map(([path, content]) => [`${folder}/${path}`, content]),
  );
}

/** Reads the files of a folder and its subfolders. */
function filesIn(folder: string): Files {
  if (!existsSync(folder)) return {};
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    paths
      .toSorted()
      .map((path) => [relative(folder, path).split(sep).join("/"), readFileSync(path)]),
  );
}

/** Removes the secret of the webhook from the bindings that a deploy button asks for. */
function withoutWebhook(packageJson: string | Uint8Array | undefined): string {
  const { cloudflare, ...rest } = parsed(packageJson);
  const bindings =
    isMapping(cloudflare) && isMapping(cloudflare["bindings"]) ? cloudflare["bindings"] : {};
  const { ARTICLE_WEBHOOK_SECRET: _removed, ...others } = bindings;
  return jsonText({ ...rest, cloudflare: { bindings: others } });
}

/** Removes the script of the demo, which needs a sample. */
function withoutDemo(packageJson: string | Uint8Array | undefined): string {
  const { scripts, ...rest } = parsed(packageJson);
  const { demo: _removed, ...others } = isMapping(scripts) ? scripts : {};
  return jsonText({ ...rest, scripts: others });
}

/** Adds packages in the versions of Peach's own package.json. */
function withPackages(
  packageRoot: string,
  packageJson: string | Uint8Array | undefined,
  names: readonly string[],
): string {
  const { dependencies, ...rest } = parsed(packageJson);
  const versions = testedVersions(packageRoot);
  const added = Object.fromEntries(names.map((name) => [name, versions[name] ?? "latest"]));
  const all = { ...(isMapping(dependencies) ? dependencies : {}), ...added };
  const { devDependencies, ...others } = rest;
  return jsonText({ ...others, dependencies: all, devDependencies });
}

/** Reads the versions in Peach's own package.json, by name. */
export function testedVersions(packageRoot: string): Readonly<Record<string, string>> {
  const own = parsed(readFileSync(join(packageRoot, "package.json")));
  const both = [own["dependencies"], own["devDependencies"]].filter(isMapping);
  return Object.fromEntries(
    both.flatMap((versions) =>
      Object.entries(versions).flatMap(([name, version]) =>
        typeof version === "string" ? [[name, version]] : [],
      ),
    ),
  );
}
