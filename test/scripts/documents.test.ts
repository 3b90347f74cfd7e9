import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { checkAll } from "../../src/compiler/check.ts";
import { compileProject } from "../../src/compiler/compile.ts";
import { renderDiagnostic } from "../../src/compiler/diagnostic.ts";
import { ENDPOINT_SHAPE } from "../../src/compiler/schema-endpoint.ts";
import { DEFAULTS_SHAPE, ROOT_SHAPE, TASK_SHAPE } from "../../src/compiler/schema.ts";
import { blockIn, blocksIn, page, pages, sectionUnder, userPages } from "../support/documents.ts";

/** Below node_modules, so that what stands there finds the package; nothing of it stays. */
const CACHE = resolve("node_modules/.cache");
const CONF_PAGE = "docs/reference/peach-conf.md";
const CONF = z.object({ tasks: z.record(z.string(), z.unknown()).optional() });
const VERSIONS = z.record(z.string(), z.string());
const PACKAGE = z.object({ dependencies: VERSIONS, peerDependencies: VERSIONS });
/** The first column of the table under this heading. */
function documentedKeys(heading: string): string[] {
  return [...sectionUnder(CONF_PAGE, heading).matchAll(/^\| `([\w.]+)` \|/gm)]
    .flatMap(([, key]) => key ?? [])
    .toSorted();
}

/** Keys of the schema; of `on`, those in it. */
function schemaKeys(shape: object): string[] {
  return Object.keys(shape)
    .flatMap((key) => (key === "on" ? ["on.event", "on.r2"] : key))
    .toSorted();
}

/** Compiles this peach.conf with these pipelines: its tasks, or what is wrong. */
function compiled(conf: string, pipelines: string): unknown {
  const folder = mkdtempSync(join(tmpdir(), "peach-readme-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "pipelines"));
  writeFileSync(join(folder, "pipelines/tasks.ts"), pipelines);
  writeFileSync(join(folder, "peach.conf"), conf);
  const { diagnostics, ...result } = compileProject({
    projectRoot: resolve("."),
    confPath: join(folder, "peach.conf"),
    pipelinesDir: join(folder, "pipelines"),
    wranglerPath: resolve("wrangler.toml"),
    outDir: join(folder, "generated"),
  });
  return result.ok && diagnostics.length === 0 ? Object.keys(result.plan.tasks) : diagnostics;
}

/** The text of a block in a list, without the list's indentation. */
function unindented(block: string): string {
  return block.replaceAll(/^ {3}/gm, "");
}

/** A project below the cache, whose one file is compiled by the strictest settings of a project. */
class TypedProject {
  readonly #folder: string;

  constructor(folder: string, conf: string) {
    this.#folder = folder;
    mkdirSync(join(folder, "src/pipelines"), { recursive: true });
    writeFileSync(join(folder, "peach.conf"), conf);
    // As a project declares it.
    writeFileSync(join(folder, "env.d.ts"), "interface Env {}");
    const config = {
      extends: resolve("tsconfig.base.json"),
      compilerOptions: { types: ["@cloudflare/workers-types", "node"] },
      files: ["src/pipelines/article.ts", "src/generated/tasks.d.ts", "env.d.ts"],
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  }

  /** What TypeScript and `peach check` say of this file. */
  async complaints(code: string): Promise<{ compiler: string; check: string }> {
    writeFileSync(join(this.#folder, "src/pipelines/article.ts"), code);
    const paths = {
      projectRoot: resolve("."),
      confPath: join(this.#folder, "peach.conf"),
      pipelinesDir: join(this.#folder, "src/pipelines"),
      wranglerPath: resolve("wrangler.toml"),
    };
    const { diagnostics, warnings } = await checkAll(paths);
    compileProject({ ...paths, outDir: join(this.#folder, "src/generated") });
    const tsc = promisify(execFile)(resolve("node_modules/.bin/tsc"), ["--pretty", "false", "--checkers", "1"], {
      cwd: this.#folder,
    });
    const { stdout } = await tsc.catch((error: { readonly stdout: string }) => error);
    // A package is no source: the errors of Peach's own are those of another program.
    const lines = stdout.split("\n").filter((line) => !/^(\.\.\/|\s)/.test(line));
    const shown = [...diagnostics, ...warnings].map(renderDiagnostic).join("\n");
    const within = relative(resolve("."), this.#folder);
    return { compiler: lines.join("\n").trim(), check: shown.replaceAll(`${within}/`, "") };
  }
}

/** The anchors of a page's headings, as GitHub makes them. */
function headingsOf(path: string): string[] {
  return [...page(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** What stands around a piece of code that a page shows without it, by a name that is in the piece. */
const AROUND: Readonly<Record<string, string>> = {
  ask_for_approval: `import type { TaskContext } from "peach/task-helpers";
    interface Article { readonly editor: string }
    declare function sendMail(to: string, text: string): Promise<void>;`,
  fetchAudio: `import { step, triggerTaskWithEvent } from "peach/task-helpers";
    declare function fetchAudio(uri: string): Promise<ArrayBuffer>;
    declare function send(audio: ArrayBuffer, status: string): Promise<string>;`,
  createClient: "declare const token: string;",
};

describe("the documents", () => {
  it("the documents name only files and headings that exist", () => {
    for (const path of pages()) {
      for (const [, to = ""] of page(path).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(to)) continue;
        const [file = "", heading] = to.split("#");
        const target = file === "" ? path : join(dirname(path), file);
        expect(existsSync(target), `${path} links to ${to}`).toBe(true);
        if (heading !== undefined) expect(headingsOf(target), `${path} links to ${to}`).toContain(heading);
      }
    }
  });

  it("the documents name only files of the source that exist", () => {
    for (const path of pages().filter((one) => one !== "CHANGELOG.md")) {
      const named = page(path).matchAll(/`((?:src|test|scripts)\/[\w./-]+)`/g);
      for (const [, file = ""] of named) {
        if (file === "src/pipelines/article.ts") continue;
        expect(existsSync(file), `${path} names ${file}`).toBe(true);
      }
    }
  });

  it("the documents begin with a README of at most 200 lines", () => {
    expect(page("README.md").split("\n").length).toBeLessThanOrEqual(200);
  });

  it("the documents list every key of peach.conf, and no other", () => {
    expect(documentedKeys("## At the top")).toEqual(schemaKeys(ROOT_SHAPE));
    expect(documentedKeys("## Of a task")).toEqual(schemaKeys(TASK_SHAPE));
    expect(documentedKeys("## Of an endpoint")).toEqual(schemaKeys(ENDPOINT_SHAPE));
    for (const key of Object.keys(DEFAULTS_SHAPE))
      expect(sectionUnder(CONF_PAGE, "## At the top")).toContain(`\`${key}\``);
  });

  it("the documents say what each package is for that a project installs with Peach", () => {
    const { dependencies, peerDependencies } = PACKAGE.parse(JSON.parse(readFileSync("package.json", "utf8")));
    const named = [...sectionUnder("README.md", "## Where things are").matchAll(/\*\*(.+?)\*\*/g)].flatMap(
      ([, name]) => name ?? [],
    );
    expect(named.toSorted()).toEqual(Object.keys({ ...dependencies, ...peerDependencies }).toSorted());
  });

  it("the documents have a tutorial whose pipeline compiles", () => {
    const tutorial = sectionUnder("docs/tutorial.md", "## The steps");
    expect(compiled(blockIn(tutorial, "yaml"), blockIn(tutorial, "ts"))).toEqual([
      "split_words",
      "top_words",
      "reading_time",
      "teaser",
    ]);
  });

  it("the documents have a tutorial that is typed from end to end, and says what the compiler and the check say", async () => {
    mkdirSync(CACHE, { recursive: true });
    const folder = mkdtempSync(join(CACHE, "tutorial-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const tutorial = sectionUnder("docs/tutorial.md", "## The steps");
    const [code, conf] = [blockIn(tutorial, "ts"), blockIn(tutorial, "yaml")];
    const [, wrongName = "", , saidOfName = ""] =
      /write `("[^`]+")`: your editor([^]*?)```\n([^]*?)```/.exec(tutorial) ?? [];
    const checked = new TypedProject(folder, conf);
    expect(await checked.complaints(code)).toEqual({ compiler: "", check: "" });
    const named = await checked.complaints(code.replace('"split_words"', wrongName));
    expect(named.compiler).toBe(saidOfName.trim());
    const [, changed = "", said = ""] =
      /Let it return a text:\s*```\n([^]*?)```[^]*?```\n([^]*?)```/.exec(tutorial) ?? [];
    const other = code.replace(/export async function reading_time[^]*?\n\}\n/, `${unindented(changed)}\n`);
    const wrong = await checked.complaints(other);
    expect(wrong.compiler).toBe("");
    expect(wrong.check).toContain(unindented(said).trim());
  });

  it("the documents show pieces of peach.conf that compile", () => {
    const pieces = userPages().flatMap((path) => blocksIn(page(path), "yaml"));
    expect(pieces.length).toBeGreaterThan(4);
    for (const piece of pieces) {
      const named = piece.matchAll(/\b(?:method|fallback): (\w+)/g);
      const methods = [...new Set([...named].flatMap(([, name]) => name ?? []))];
      const pipelines = methods.map((name) => `export const ${name} = async (): Promise<void> => undefined;`);
      const { tasks = {} } = CONF.parse(parse(piece));
      expect(compiled(piece, pipelines.join("\n")), piece).toEqual(Object.keys(tasks));
    }
  });

  it("the documents show programs whose types are right", async () => {
    mkdirSync(CACHE, { recursive: true });
    const folder = mkdtempSync(join(CACHE, "readme-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const pieces = userPages().flatMap((path) => blocksIn(page(path), "ts"));
    for (const [index, piece] of pieces.entries()) {
      const around = Object.entries(AROUND).flatMap(([name, text]) => (piece.includes(name) ? [text] : []));
      writeFileSync(join(folder, `piece-${index}.ts`), [...around, piece, "export {};"].join("\n"));
    }
    const ambient = ["src/env.d.ts", "worker-configuration.d.ts"].map((path) => resolve(path));
    const config = {
      extends: resolve("tsconfig.base.json"),
      compilerOptions: { types: ["@cloudflare/workers-types", "node"] },
      files: [...pieces.map((_, index) => `piece-${index}.ts`), ...ambient],
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    const tsc = promisify(execFile)(resolve("node_modules/.bin/tsc"), ["--project", folder, "--checkers", "1"]);
    const { stdout } = await tsc.catch((error: { readonly stdout: string }) => error);
    expect(stdout).toBe("");
    expect(pieces.length).toBeGreaterThan(3);
  });
});
