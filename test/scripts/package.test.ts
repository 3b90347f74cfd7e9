/** What `npm pack` puts into the package. */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const ROOT = resolve(import.meta.dirname, "../..");
const PACKED = z.array(z.object({ files: z.array(z.object({ path: z.string() })) }));
const ENTRY = z.object({ "peach-source": z.string(), types: z.string(), default: z.string() });
const MANIFEST = z.object({ bin: z.record(z.string(), z.string()), exports: z.record(z.string(), z.unknown()) });

/** Where files of the package may lie. */
const MAY_HOLD =
  /^(bin|dist|templates|sample|src\/pipelines)\/|^(package\.json|README\.md|LICENSE|peach\.conf\.example)$/;

const LOCK = z.object({
  packages: z.record(
    z.string(),
    z.object({
      dev: z.boolean().default(false),
      engines: z.object({ node: z.string().optional() }).optional().catch(undefined),
    }),
  ),
});

function read(path: string): string {
  return readFileSync(resolve(ROOT, path), "utf8");
}

describe("the packed package", () => {
  it("the packed package needs no package that refuses Node 20, which its users may have", () => {
    const { packages } = LOCK.parse(JSON.parse(readFileSync(resolve(ROOT, "package-lock.json"), "utf8")));
    const needed = Object.entries(packages).filter(([, { dev }]) => !dev);
    expect(needed.map(([path]) => path)).toContain("node_modules/esbuild");
    // Of a range such as `^20.19.0 || >=22.12.0` one part is enough.
    const runsOn20 = (range: string): boolean =>
      range.split("||").some((part) => Number(/\d+/.exec(part)?.[0]) === 20 || /^\s*>=\s*1?\d\b/.test(part));
    const refused = needed.filter(([, { engines }]) => !runsOn20(engines?.node ?? ">=0"));
    expect(refused.map(([path, { engines }]) => `${path} needs ${engines?.node}`)).toEqual([]);
  });

  it("the packed package holds nothing of the tests and scripts of Peach, nor its source", () => {
    const out = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
      cwd: ROOT,
      encoding: "utf8",
    });
    const files = PACKED.parse(JSON.parse(out)).flatMap((packed) => packed.files.map(({ path }) => path));
    expect(files).toContain("bin/peach.js");
    expect(files.filter((path) => !MAY_HOLD.test(path))).toEqual([]);
  });

  it("the command of the packed package starts in a folder whose path has a # and a %", () => {
    const folder = mkdtempSync(join(tmpdir(), "peach #1 100%25 a?b-"));
    try {
      cpSync(resolve(ROOT, "bin"), join(folder, "bin"), { recursive: true });
      mkdirSync(join(folder, "dist"));
      writeFileSync(join(folder, "package.json"), '{"type": "module"}');
      writeFileSync(join(folder, "dist/cli.js"), "console.log(...process.argv.slice(2));");
      const typed = [join(folder, "bin/peach.js"), "check", "--json"];
      expect(execFileSync(process.execPath, typed, { encoding: "utf8" })).toBe("check --json\n");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("the packed package has a section of the changelog, and the tutorial installs its very file", () => {
    const { version } = z.object({ version: z.string() }).parse(JSON.parse(read("package.json")));
    expect(
      read("CHANGELOG.md")
        .split("\n")
        .filter((line) => line.startsWith("## "))[0],
    ).toMatch(new RegExp(`^## ${version.replaceAll(".", String.raw`\.`)} - `));
    expect([...read("docs/tutorial.md").matchAll(/peach-([\d.]+)\.tgz/g)].map(([, named]) => named)).toEqual([version]);
  });

  it("the packed package names for each entry a source in the clone, and its built file and declarations of the same name", () => {
    const { bin, exports } = MANIFEST.parse(JSON.parse(readFileSync(resolve(ROOT, "package.json"), "utf8")));
    expect(Object.values(bin).filter((file) => !existsSync(resolve(ROOT, file)))).toEqual([]);
    const entries = Object.entries(exports).filter(([name]) => name !== "./package.json");
    expect(entries.map(([name]) => name)).toEqual(expect.arrayContaining(["./client", "./task-helpers", "./worker"]));
    for (const [name, given] of entries) {
      const entry = ENTRY.parse(given);
      expect(existsSync(resolve(ROOT, entry["peach-source"])), name).toBe(true);
      expect(entry).toMatchObject({
        types: name.replace(".", "./dist") + ".d.ts",
        default: name.replace(".", "./dist") + ".js",
      });
    }
  });
});
