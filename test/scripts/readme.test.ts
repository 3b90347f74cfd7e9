import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { compileProject } from "../../src/conf/compile.ts";
import { DEFAULTS_SHAPE, ENDPOINT_SHAPE, ROOT_SHAPE, TASK_SHAPE } from "../../src/conf/schema.ts";

const PACKAGE = z.object({ dependencies: z.record(z.string(), z.string()) });
const README = readFileSync("README.md", "utf8");

/** The text under this heading, up to the next one. */
function section(heading: string): string {
  const [, after = ""] = README.split(`\n${heading}\n`);
  return after.split(/\n#{1,4} /)[0] ?? "";
}

/** The first column of the table under this heading. */
function documentedKeys(heading: string): string[] {
  return [...section(heading).matchAll(/^\| `([\w.]+)` \|/gm)].flatMap(([, key]) => key ?? []).toSorted();
}

/** Keys of the schema; of `on`, those in it. */
function schemaKeys(shape: object): string[] {
  return Object.keys(shape)
    .flatMap((key) => (key === "on" ? ["on.event", "on.r2"] : key))
    .toSorted();
}

/** The one code block of this language in the tutorial, without its indentation. */
function tutorialBlock(language: string): string {
  const [, block = ""] = section("## Write your own pipeline in ten minutes").split(`   \`\`\`${language}\n`);
  return (block.split("   ```")[0] ?? "").replaceAll(/^ {3}/gm, "");
}

describe("the README", () => {
  it("documents every key of peach.conf, and no other", () => {
    expect(documentedKeys("#### At the top")).toEqual(schemaKeys(ROOT_SHAPE));
    expect(documentedKeys("#### Of a task")).toEqual(schemaKeys(TASK_SHAPE));
    expect(documentedKeys("#### Of an endpoint")).toEqual(schemaKeys(ENDPOINT_SHAPE));
    for (const key of Object.keys(DEFAULTS_SHAPE)) expect(section("#### At the top")).toContain(`\`${key}\``);
  });

  it("says what each dependency of the worker is for", () => {
    const { dependencies } = PACKAGE.parse(JSON.parse(readFileSync("package.json", "utf8")));
    const named = [...section("## Where things are").matchAll(/^- \*\*(.+?)\*\*/gm)].flatMap(([, name]) => name ?? []);
    expect(named.toSorted()).toEqual(Object.keys(dependencies).toSorted());
  });

  it("has a tutorial whose pipeline compiles", () => {
    const folder = mkdtempSync(join(tmpdir(), "peach-readme-"));
    try {
      mkdirSync(join(folder, "pipelines"));
      writeFileSync(join(folder, "pipelines/article.ts"), tutorialBlock("ts"));
      writeFileSync(join(folder, "peach.conf"), tutorialBlock("yaml"));
      const result = compileProject({
        repoRoot: resolve("."),
        confPath: join(folder, "peach.conf"),
        pipelinesDir: join(folder, "pipelines"),
        wranglerPath: resolve("wrangler.toml"),
        outDir: join(folder, "generated"),
      });
      expect(result.diagnostics).toEqual([]);
      expect(result.ok && Object.keys(result.plan.tasks)).toEqual([
        "split_words",
        "top_words",
        "reading_time",
        "teaser",
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
