import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OWN_SOURCES } from "../../src/contract/own-sources.ts";
import { renderStack, type StackFrame } from "../../src/http/local/own-stacks.ts";
import { bundleModule, type Bundle } from "../../src/local/bundle.ts";
import { ownSourcesOf, withOwnSources, type OwnFolders } from "../../src/local/own-sources.ts";
import { segmentsOf } from "../../src/local/source-map.ts";

let folder = "";
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "peach-own-sources-")));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(path: string, text: string): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

const folders = (): OwnFolders => ({
  peach: [join(folder, "peach")],
  project: folder,
  conf: folder,
  pipelines: join(folder, "src/pipelines"),
});

/** Two files of a project and one of Peach, each with a function `inner`: two of them are renamed. */
async function bundled(): Promise<Bundle> {
  write("peach/run.ts", `export const inner = (call: () => void) => {\n  call();\n};\n`);
  write("node_modules/dep/index.js", `export const dep = () => {\n  throw new Error("of dep");\n};\n`);
  write(
    "src/lib/inner.ts",
    `// a line that the bundle leaves out\n\nexport function inner() {\n  throw new Error("in lib");\n}\n`,
  );
  write(
    "src/pipelines/one.ts",
    `import { inner as there } from "../lib/inner.ts";\ninterface Left { out: string }\n\nfunction inner(text: Left | null) {\n  return text!.out; // fails\n}\nexport const one = () => {\n  there();\n  return inner(null);\n};\n`,
  );
  const entry = write(
    "peach/index.ts",
    `import { dep } from "dep";\nimport { inner } from "./run.ts";\nimport { one } from "../src/pipelines/one.ts";\ninner(one);\ndep();\nconsole.log(${JSON.stringify(OWN_SOURCES)});\n`,
  );
  return bundleModule(entry, {
    bundlePath: join(folder, "state/worker/worker.js"),
    sourceMapPath: join(folder, "state/worker.js.map"),
  });
}

/** A frame at the place in the bundle where this text begins. */
function frameAt({ text }: Bundle, wanted: string, name: string | null, isAsync = false): StackFrame {
  const index = text.indexOf(wanted);
  if (index === -1) throw new Error(`the bundle has no ${wanted}:\n${text}`);
  const before = text.slice(0, index).split("\n");
  const [line, column] = [before.length, (before.at(-1)?.length ?? 0) + 1];
  return {
    getFunctionName: () => name,
    getFileName: () => "worker.js",
    getLineNumber: () => line,
    getColumnNumber: () => column,
    isAsync: () => isAsync,
    toString: () => `${name} (file:///home/somebody/state/worker/worker.js:${line}:${column})`,
  };
}

describe("the stack of an error", () => {
  it("the stack of an error shows the project's own frames alone, at line and column of the source, with the names in it", async () => {
    const bundle = await bundled();
    const sources = ownSourcesOf(bundle, join(folder, "state"), folders());
    const [, renamed = ""] = /function (inner\d+)\(text\)/.exec(bundle.text) ?? [];
    expect(renamed).not.toBe("");
    const frames = [
      frameAt(bundle, `throw new Error("of dep")`, "dep"),
      frameAt(bundle, "text.out", renamed),
      frameAt(bundle, `${renamed}(null)`, "one", true),
      frameAt(bundle, "call();", "inner"),
    ];
    expect(renderStack(new TypeError("no text"), frames, sources)).toBe(
      [
        "TypeError: no text",
        "    at inner (src/pipelines/one.ts:5:10)",
        "    at async one (src/pipelines/one.ts:9:10)",
      ].join("\n"),
    );
    const inLib = frameAt(bundle, `new Error("in lib")`, null);
    expect(renderStack(new Error("in lib"), [inLib], sources)).toBe("Error: in lib\n    at src/lib/inner.ts:4:9");
  });

  it("the stack of an error without a frame of the project shows the bundle's positions, without a folder of the machine", async () => {
    const bundle = await bundled();
    const sources = ownSourcesOf(bundle, join(folder, "state"), folders());
    const stack = renderStack(new Error("broken"), [frameAt(bundle, "call();", "inner")], sources);
    expect(stack).toMatch(/^Error: broken\n {4}at inner \(worker\.js:\d+:\d+\)$/);
  });

  it("the stack of an error of a value that cannot be read is still a stack", () => {
    const hostile = {
      toString: () => {
        throw new Error("hostile");
      },
    };
    expect(renderStack(hostile, [], { sources: [], lines: {}, names: {} })).toBe("Error");
  });
});

describe("the positions in the bundle", () => {
  it("the positions in the bundle stand in the place for them, and move no line", async () => {
    const bundle = await bundled();
    const { text, sourceMap } = withOwnSources(bundle, join(folder, "state"), folders());
    expect(sourceMap).toBe(bundle.sourceMap);
    expect(text).not.toContain(OWN_SOURCES);
    const lines = text.split("\n");
    const changed = bundle.text.split("\n").flatMap((line, index) => (line === lines[index] ? [] : [lines[index]]));
    expect(lines).toHaveLength(bundle.text.split("\n").length);
    expect(changed).toEqual([expect.stringContaining("console.log(")]);
    const [, written = ""] = /console\.log\((".*")\)/.exec(changed[0] ?? "") ?? [];
    const read: unknown = JSON.parse(JSON.parse(written));
    expect(read).toEqual(ownSourcesOf(bundle, join(folder, "state"), folders()));
  });

  it("the positions in the bundle name only files of the project: none of Peach, of packages or of what is generated", async () => {
    const bundle = await bundled();
    const within = { ...folders(), peach: [folder] };
    expect(ownSourcesOf(bundle, join(folder, "state"), folders()).sources.toSorted()).toEqual([
      "src/lib/inner.ts",
      "src/pipelines/one.ts",
    ]);
    // In a clone Peach's folder is the project's: only the pipelines are a user's.
    expect(ownSourcesOf(bundle, join(folder, "state"), within).sources).toEqual(["src/pipelines/one.ts"]);
  });
});

describe("mappings", () => {
  it("mappings are read with long and negative numbers, lines without any, and names", () => {
    // 16 is "gB", -16 is "hB", 1000 is "w+B".
    expect([...segmentsOf("AAAA,gBAgBA;;CAhBw+BA,CAAAC")]).toEqual([
      { line: 1, column: 0, source: 0, sourceLine: 1, sourceColumn: 0, name: null },
      { line: 1, column: 16, source: 0, sourceLine: 17, sourceColumn: 0, name: null },
      { line: 3, column: 1, source: 0, sourceLine: 1, sourceColumn: 1000, name: 0 },
      { line: 3, column: 2, source: 0, sourceLine: 1, sourceColumn: 1000, name: 1 },
    ]);
    expect([...segmentsOf("")]).toEqual([]);
    // A segment of one number leads to no source.
    expect([...segmentsOf("A,CACA")]).toEqual([
      { line: 1, column: 1, source: 0, sourceLine: 2, sourceColumn: 0, name: null },
    ]);
  });
});
