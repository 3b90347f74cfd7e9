/** Makes the files of a new project, or says what an existing folder has to merge. */
import { basename } from "node:path";
import { isMapping } from "../../compiler/schema-parts.ts";
import type { Files } from "../new-files.ts";
import { jsonText, parsed, textOf } from "../json-text.ts";
import { TEMPLATE_NAME, testedVersions } from "./templates.ts";

/** A wrong name of a project: a Worker, a queue or a package cannot have the name. */
export class ProjectNameError extends Error {}

/** The longest name: a queue name is the name with up to 14 characters, at most 63. */
const MAX_NAME = 48;

/**
 * Makes the name of a project from its folder: small letters, digits and `-`. Throws if the
 * folder's name has something else, or is too long.
 */
export function projectName(folder: string): string {
  const name = basename(folder);
  const isGood = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(name) && name.length <= MAX_NAME;
  if (isGood && name !== "node_modules" && name !== "peach") return name;
  const near = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, MAX_NAME);
  const proposal = near === "" || near === name ? TEMPLATE_NAME : near;
  throw new ProjectNameError(
    [
      `${JSON.stringify(name)} cannot be the name of a project: a Worker's name has small letters,`,
      `digits and -, begins and ends with no -, has at most ${MAX_NAME} characters, and is not peach.`,
      `Call it ${proposal}, for example`,
    ].join(" "),
  );
}

/** Puts the project's name, the package and its tested versions into the files of a template. */
export function personalised(
  files: Files,
  project: { readonly name: string; readonly peach: string; readonly packageRoot: string },
): Files {
  const { "package.json": packageJson, ...others } = files;
  const named = Object.fromEntries(
    Object.entries(others).map(([path, content]) => [
      path,
      NAMED.has(path) ? textOf(content).replaceAll(TEMPLATE_NAME, project.name) : content,
    ]),
  );
  return { "package.json": packageText(packageJson, project), ...named };
}

/** Files with the project's name, beside package.json. */
const NAMED = new Set(["wrangler.toml", "README.md"]);

function packageText(
  packageJson: string | Uint8Array | undefined,
  { name, peach, packageRoot }: { name: string; peach: string; packageRoot: string },
): string {
  const tested = testedVersions(packageRoot);
  const manifest = parsed(packageJson);
  const current = (versions: unknown): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(isMapping(versions) ? versions : {}).map(([key, version]) => [
        key,
        tested[key] ?? version,
      ]),
    );
  return jsonText({
    ...manifest,
    name,
    dependencies: { ...current(manifest["dependencies"]), peach },
    devDependencies: current(manifest["devDependencies"]),
  });
}

/** A file of the template that the folder has already, with advice for the user. */
export interface Merge {
  readonly path: string;
  readonly advice: string;
}

/** Gives advice on the present files, so that the folder becomes a project. */
export function mergesOf(files: Files, present: ReadonlyMap<string, string>): Merge[] {
  return [...present].flatMap(([path, text]) => {
    const advice = adviceFor(path, text, textOf(files[path]));
    return advice === null ? [] : [{ path, advice }];
  });
}

function adviceFor(path: string, present: string, wanted: string): string | null {
  if (present === wanted) return null;
  if (path === "package.json") return packageAdvice(present, wanted);
  if (path === ".gitignore") {
    const lines = new Set(present.split(/\r?\n/));
    const missing = wanted.split("\n").filter((line) => line !== "" && !lines.has(line));
    return missing.length === 0 ? null : `add the lines ${missing.join(", ")}`;
  }
  return "it is kept as it is; compare it with the one that `peach init` writes into a new folder";
}

/** Lists the missing keys of package.json as the user would write them. */
function packageAdvice(present: string, wanted: string): string | null {
  let own: Readonly<Record<string, unknown>>;
  try {
    own = parsed(present);
  } catch {
    return "it is no JSON: mend it, then run the command again";
  }
  const missing = Object.entries(parsed(wanted)).flatMap(([key, value]) => {
    if (["name", "version", "private", "description", "cloudflare"].includes(key)) return [];
    if (!isMapping(value)) return own[key] === value ? [] : [`"${key}": ${JSON.stringify(value)}`];
    const before = own[key];
    const entries = Object.entries(value).filter(
      ([name]) => !isMapping(before) || !Object.hasOwn(before, name),
    );
    const taken = Object.entries(value).filter(
      ([name, one]) => key === "scripts" && isMapping(before) && (before[name] ?? one) !== one,
    );
    return [
      ...entries.map(([name, one]) => `"${key}": "${name}": ${JSON.stringify(one)}`),
      ...taken.map(
        ([name, one]) => `"${key}": "peach:${name}": ${JSON.stringify(one)}   (${name} is yours)`,
      ),
    ];
  });
  return missing.length === 0 ? null : `add\n      ${missing.join("\n      ")}`;
}
