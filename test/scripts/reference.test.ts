/** The tables of the reference beside the sources of what they list: nothing is missing there, and nothing is listed that is not. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createClient } from "../../src/client/client.ts";
import { SCHEDULE_SHAPE } from "../../src/compiler/schedule.ts";
import { SIGNATURE_SCHEMES } from "../../src/domain/plan/endpoint-auth.ts";
import { RUN_IFS } from "../../src/domain/run/start-rule.ts";
import { SCOPES_OF } from "../../src/domain/scope.ts";
import { codesIn, namesUnder, page, pages, rowsUnder } from "../support/documents.ts";
import { commandLine } from "./command-line.ts";

function source(path: string): string {
  return readFileSync(path, "utf8");
}

/** Each text once, in order. */
function once(texts: readonly string[]): string[] {
  return [...new Set(texts)].toSorted();
}

function found(pattern: RegExp, text: string): string[] {
  return once([...text.matchAll(pattern)].flatMap(([, name]) => name ?? []));
}

/** Names of functions that are reached from this value: its own and its classes', and those of what it holds. */
function callsOf(value: object, before = ""): string[] {
  const names = new Set([
    ...Object.keys(value),
    ...(Object.getPrototypeOf(value) === Object.prototype
      ? []
      : Object.getOwnPropertyNames(Object.getPrototypeOf(value))),
  ]);
  names.delete("constructor");
  return [...names].flatMap((name) => {
    const held: unknown = Reflect.get(value, name);
    if (typeof held === "function") return [`${before}${name}`];
    return typeof held === "object" && held !== null ? callsOf(held, `${before}${name}.`) : [];
  });
}

describe("the reference lists", () => {
  it("every command of the command line", async () => {
    const { out } = await commandLine(["--help"]);
    const documented = rowsUnder("docs/reference/cli.md", "## The command line").flatMap(([cell = ""]) =>
      cell.includes("`completion") ? ["completion"] : codesIn(cell).flatMap((code) => code.split(" ")[0] ?? []),
    );
    expect(once(documented.filter((name) => name !== "npm"))).toEqual(found(/^ {2}([\w-]+) {2,}/gm, out));
  });

  it("the reference lists options that its commands have", async () => {
    for (const [cell = "", does = ""] of rowsUnder("docs/reference/cli.md", "## The command line")) {
      const names = codesIn(cell).flatMap((code) => code.split(" ")[0] ?? []);
      if (names.includes("npm")) continue;
      const helps = await Promise.all(names.map(async (name) => (await commandLine([name, "--help"])).out));
      // What a row says of another command's options stands with that in one piece of code.
      for (const code of codesIn(`${cell} ${does}`)) {
        const text = helps.join("\n");
        for (const option of found(/(--[a-z-]+)/g, code)) expect(text, `${cell}: ${code}`).toContain(option);
      }
    }
  });

  it("every function that pipelines import", () => {
    const text = source("src/task-helpers.ts");
    const functions = found(/^export (?:async )?(?:function|const) (\w+)/gm, text);
    const errors = found(/(\w+Error)\b(?=[^}]*\} from "\.\/task\/errors\.ts")/g, text);
    const documented = namesUnder("docs/reference/helpers.md", "## The functions").map(
      (name) => name.split(".")[0] ?? "",
    );
    expect(once(documented.filter((name) => !name.endsWith("Error")))).toEqual(functions);
    expect(errors.filter((name) => !page("docs/reference/helpers.md").includes(`\`${name}`))).toEqual([]);
  });

  it("every function of peach/stores, its methods and its errors", () => {
    const text = page("docs/reference/stores.md");
    const entry = source("src/stores/stores.ts").replaceAll(/\/\*.*?\*\/|export type \{[^}]*\}|\btype \w+/gs, "");
    const names = found(/(?:\{|,)\s*(\w+)/g, entry);
    const errors = names.filter((name) => name.endsWith("Error"));
    const functions = rowsUnder("docs/reference/stores.md", "## The functions").flatMap(
      ([cell = ""]) => /^`(\w+)\(/.exec(cell)?.[1] ?? [],
    );
    expect(once(functions)).toEqual(names.filter((name) => !errors.includes(name)));
    expect(once(namesUnder("docs/reference/stores.md", "## Errors"))).toEqual(errors);
    const methods = functions.flatMap((name) =>
      name === "line" ? [] : found(/^ {2}(\w+)\(\n? *this: void/gm, source(`src/stores/${name}.ts`)),
    );
    expect(methods).toHaveLength(17);
    expect(methods.filter((name) => !new RegExp(`\`${name}[(\`]`).test(text))).toEqual([]);
  });

  it("every call of the client", () => {
    const calls = callsOf(createClient({ url: "https://peach.example.org", token: "x".repeat(24) }));
    const documented = rowsUnder("docs/reference/client.md", "## TypeScript").flatMap(([cell = ""]) => {
      let before = "";
      return codesIn(cell).flatMap((code) => {
        const [, group = "", name = ""] = /^(\w+)?\.?(\w+)?/.exec(code) ?? [];
        if (code.startsWith(".")) return [`${before}${/^\.(\w+)/.exec(code)?.[1]}`];
        before = name === "" ? "" : `${group}.`;
        return [name === "" ? group : `${group}.${name}`];
      });
    });
    const groups = calls.map((call) => call.split(".")[0] ?? "");
    const isThere = (name: string): boolean => calls.includes(name) || groups.includes(name);
    const isListed = (call: string): boolean => documented.some((name) => name === call || call.startsWith(`${name}.`));
    expect([calls.filter((call) => !isListed(call)), documented.filter((name) => !isThere(name))]).toEqual([[], []]);
  });

  it("every function of the Python module, and the methods of a run", () => {
    const text = source("src/lab/pipe_algorithms_lib/task_helpers.py");
    const [, list = ""] = /__all__ = \[([^\]]*)\]/.exec(text) ?? [];
    const calls = source("src/lab/pipe_algorithms_lib/_run.py");
    const [, run = ""] = /\nclass TriggeredRun:\n([\s\S]*?)\n\n\n/.exec(calls) ?? [];
    const functions = found(/"([a-z_]+)"/g, list);
    const methods = found(/^ {4}def ([a-z]\w*)\(/gm, run);
    const documented = codesIn(
      rowsUnder("docs/reference/client.md", "## Python")
        .map(([cell = ""]) => cell)
        .join(" "),
    );
    expect(once(documented.flatMap((code) => /^\.?(\w+)/.exec(code)?.[1] ?? []))).toEqual(
      once([...functions, ...methods]),
    );
  });

  it("every variable that a deployed worker reads", () => {
    const variables = found(/readonly ((?:PEACH|AWS)_\w+)\?/g, source("src/env.d.ts"));
    // The local runtime sets it for itself.
    const own = variables.filter((name) => name !== "PEACH_LOCAL");
    const ofCommands = ["PEACH_CONF", "PEACH_PIPELINES", "PEACH_WARNED"];
    expect(found(/`((?:PEACH|AWS)_\w+)`/g, page("docs/reference/variables.md"))).toEqual(once([...own, ...ofCommands]));
  });

  it("every figure that is measured", () => {
    const files = execFileSync("git", ["ls-files", "src"], { encoding: "utf8" }).trim().split("\n");
    const texts = files.filter((path) => path.endsWith(".ts")).map(source);
    const measured = found(/"(peach_[a-z]+_[a-z_]+)"/g, texts.join("\n"));
    const [, bullet = ""] = page("docs/operations/monitoring.md").split("- **Metrics.**");
    expect(found(/`(peach_[a-z_]+)/g, bullet.split("\n- **")[0] ?? "")).toEqual(measured);
  });

  it("every rule, scheme, scope and key of schedules", () => {
    expect(once(namesUnder("docs/reference/peach-conf.md", "## When a task starts"))).toEqual(
      once([...RUN_IFS, "run_if"]),
    );
    expect(once(namesUnder("docs/reference/peach-conf.md", "## Signature schemes"))).toEqual(
      once([...SIGNATURE_SCHEMES, "signature"]),
    );
    expect(once(namesUnder("docs/operations/access.md", "## Tokens").filter((name) => name !== "npm"))).toEqual(
      once(Object.values(SCOPES_OF).flat()),
    );
    expect(once(namesUnder("docs/reference/peach-conf.md", "## Of a schedule"))).toEqual(
      once(Object.keys(SCHEDULE_SHAPE)),
    );
  });
});

it("the documents name no command of npm that neither the repository nor a new project has", () => {
  const manifest = z.object({ scripts: z.record(z.string(), z.string()) });
  const [own, project] = ["package.json", "templates/webhook/package.json"].map(
    (path) => manifest.parse(JSON.parse(source(path))).scripts,
  );
  const scripts = { ...project, ...own };
  const named = found(/(?:`|^|&& )npm run ([a-z][\w:]*)/gm, pages().map(page).join("\n"));
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
});
