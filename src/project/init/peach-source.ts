/**
 * Finds how a new project gets the running Peach: a version of the registry, a copy of the packed
 * file of the installation, or a file that is packed from a clone.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { isMapping } from "../../compiler/schema-parts.ts";
import { parsed } from "../json-text.ts";

/** The source of Peach for a project. */
export interface PeachSource {
  /** The value in `dependencies`. */
  readonly specifier: string;
  /** Puts the packed file into the project; absent for a version of the registry. */
  readonly provide?: (project: string) => void;
}

/** The folder of a project for a packed Peach, so that every machine can install the project. */
const VENDOR = "vendor";

/** An installation of Peach that cannot be named in package.json. */
export class PeachSourceError extends Error {}

/** Finds the source of the package in this folder. */
export function findPeachSource(packageRoot: string, isClone: boolean): PeachSource {
  const { version } = parsed(readFileSync(join(packageRoot, "package.json")));
  if (isClone) return packedFromClone(packageRoot, String(version));
  const archive = installedArchive(packageRoot);
  if (archive === null) return { specifier: String(version) };
  if (!existsSync(archive))
    throw new PeachSourceError(
      `Peach was installed from ${archive}, which is gone: run the command with a packed file that is there`,
    );
  return {
    specifier: `file:${VENDOR}/${basename(archive)}`,
    provide: (project) => {
      mkdirSync(join(project, VENDOR), { recursive: true });
      copyFileSync(archive, join(project, VENDOR, basename(archive)));
    },
  };
}

function packedFromClone(packageRoot: string, version: string): PeachSource {
  return {
    specifier: `file:${VENDOR}/peach-${version}.tgz`,
    provide: (project) => {
      const folder = join(project, VENDOR);
      mkdirSync(folder, { recursive: true });
      const args = ["pack", "--silent", "--pack-destination", folder];
      execFileSync("npm", args, { cwd: packageRoot, stdio: ["ignore", "ignore", "inherit"] });
    },
  };
}

/**
 * Returns the packed file of the installation, or null. npm writes the path into
 * `node_modules/.package-lock.json`, also in the folder of `npm exec`.
 */
function installedArchive(packageRoot: string): string | null {
  const modules = dirname(packageRoot);
  const lock = join(modules, ".package-lock.json");
  if (basename(modules) !== "node_modules" || !existsSync(lock)) return null;
  const { packages } = parsed(readFileSync(lock));
  const entry = isMapping(packages) ? packages[`node_modules/${basename(packageRoot)}`] : undefined;
  const source = isMapping(entry) ? entry["resolved"] : undefined;
  if (typeof source !== "string" || !source.startsWith("file:")) return null;
  return resolve(dirname(modules), decodeURIComponent(source.slice("file:".length)));
}
