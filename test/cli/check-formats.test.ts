import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Validator } from "@cfworker/json-schema";
import { describe, expect, it } from "vitest";
import { annotation } from "../../src/cli/check/annotations.ts";
import { sarifLog } from "../../src/cli/check/sarif.ts";
import { CODES } from "../../src/codes/codes.ts";
import { type Diagnostic, reportInto } from "../../src/compiler/diagnostic.ts";
import { withProject } from "../compiler/project.ts";
import { commandLine } from "../scripts/command-line.ts";

const CONF = {
  path: "conf 100%/peach.conf",
  text: "tasks:\n  first: {method: a, downstream: second}\n  second: {method: b, downstream: first}\n",
};

/** A cycle with a second place, a warning without a hint, and a problem of a whole file. */
function diagnosticsOfConf(): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const report = reportInto(diagnostics);
  const at = (text: string) => ({
    source: CONF,
    start: CONF.text.indexOf(text),
    end: CONF.text.indexOf(text) + text.length,
  });
  report("PEACH203", at("second}"), "a cycle: first → second, 100% sure\nwith a detail", {
    hint: "remove one:\nthe first or the last",
    related: [{ span: at("first}"), message: "then second → first" }],
  });
  report("PEACH602", at("first: {method: a, downstream: second}\n  second"), "cannot tell");
  report(
    "PEACH001",
    { source: { path: "/outside/peach.conf", text: "" }, start: 0, end: 0 },
    "this file cannot be read",
  );
  return diagnostics;
}

describe("peach check --format sarif", () => {
  const schema = new Validator(
    JSON.parse(readFileSync(join(import.meta.dirname, "fixtures/sarif-2.1.0.json"), "utf8")),
    "4",
    false,
  );

  it("peach check --format sarif fits the published schema of SARIF 2.1.0, with problems and without", () => {
    expect(schema.validate(sarifLog(diagnosticsOfConf(), "1.2.3"))).toMatchObject({ valid: true, errors: [] });
    expect(schema.validate(sarifLog([], "1.2.3"))).toMatchObject({ valid: true, errors: [] });
    expect(schema.validate({ ...sarifLog([], "1.2.3"), runs: [{}] }).valid).toBe(false);
  });

  it("peach check --format sarif has a rule with help for each code, and a result with its places for each diagnostic", () => {
    expect(sarifLog(diagnosticsOfConf(), "1.2.3")).toMatchObject({
      version: "2.1.0",
      runs: [
        {
          tool: {
            driver: {
              name: "peach",
              semanticVersion: "1.2.3",
              rules: [
                { id: "PEACH001", defaultConfiguration: { level: "error" } },
                {
                  id: "PEACH203",
                  shortDescription: { text: "A cycle" },
                  help: {
                    text: expect.stringContaining("triggerTaskWithEvent: that is"),
                    markdown: expect.stringContaining("`triggerTaskWithEvent`"),
                  },
                },
                { id: "PEACH602", defaultConfiguration: { level: "warning" } },
              ],
            },
          },
          results: [
            {
              ruleId: "PEACH203",
              ruleIndex: 1,
              level: "error",
              message: {
                text: "a cycle: first → second, 100% sure\nwith a detail\nhint: remove one:\nthe first or the last",
              },
              locations: [
                {
                  physicalLocation: {
                    artifactLocation: { uri: "conf%20100%25/peach.conf" },
                    region: { startLine: 2, startColumn: 34, endLine: 2, endColumn: 41 },
                  },
                },
              ],
              relatedLocations: [
                {
                  id: 0,
                  message: { text: "then second → first" },
                  physicalLocation: { region: { startLine: 3, startColumn: 35, endLine: 3, endColumn: 41 } },
                },
              ],
            },
            { ruleId: "PEACH602", ruleIndex: 2, level: "warning", message: { text: "cannot tell" } },
            {
              ruleId: "PEACH001",
              locations: [
                {
                  physicalLocation: {
                    artifactLocation: { uri: "file:///outside/peach.conf" },
                    region: { startLine: 1 },
                  },
                },
              ],
            },
          ],
        },
      ],
    });
  });
});

describe("peach check --format github", () => {
  it("peach check --format github writes each diagnostic as one line, whose text and properties are escaped", () => {
    expect(diagnosticsOfConf().map(annotation)).toEqual([
      "::error file=conf 100%25/peach.conf,line=2,col=34,endLine=2,endColumn=41,title=PEACH203 A cycle::" +
        "a cycle: first → second, 100%25 sure%0Awith a detail%0A" +
        "conf 100%/peach.conf:3:35: then second → first%0A".replace("100%", "100%25") +
        "hint: remove one:%0Athe first or the last",
      "::warning file=conf 100%25/peach.conf,line=2,col=3,title=PEACH602 An edge that cannot be decided::cannot tell",
      "::error file=/outside/peach.conf,line=1,col=1,title=PEACH001 The file cannot be read::this file cannot be read",
    ]);
  });

  it("peach check --format github escapes what would end a property", () => {
    const source = { path: "a,b:c/peach.conf", text: "x" };
    const [line] = [
      { code: "PEACH002" as const, span: { source, start: 0, end: 1 }, message: "m", hint: null, related: [] },
    ].map(annotation);
    expect(line).toBe(
      "::error file=a%2Cb%3Ac/peach.conf,line=1,col=1,endLine=1,endColumn=2,title=PEACH002 The file is empty::m",
    );
  });
});

describe("peach check", () => {
  /** Runs `peach check` on a conf. */
  function check(conf: string, ...options: string[]) {
    return withProject({ conf }, async ({ confPath, pipelinesDir }, folder) => {
      const env = { PEACH_CONF: confPath, PEACH_PIPELINES: pipelinesDir };
      const written = await commandLine(["check", ...options], { env, projectRoot: folder });
      return {
        ...written,
        out: written.out.replaceAll(`${folder}/`, ""),
        err: written.err.replaceAll(`${folder}/`, ""),
      };
    });
  }
  const RIGHT = "tasks:\n  t: {method: a}\n";
  const WRONG = "tasks:\n  t: {method: a, timeout: 20}\n";

  it.each(["text", "json", "sarif", "github"])(
    "peach check exits with 1 for a problem and with 0 for none, as %s",
    async (format) => {
      expect((await check(WRONG, "--format", format)).code).toBe(1);
      expect((await check(RIGHT, "--format", format)).code).toBe(0);
    },
  );

  it("peach check names the code of the first problem in the last line, and how to learn more", async () => {
    expect((await check(WRONG)).err.split("\n").slice(-2)).toEqual([
      "peach.conf: 1 problem",
      "For more about PEACH104: npm run peach -- check --explain PEACH104",
    ]);
    expect((await check(RIGHT)).err).toBe("");
  });

  it("peach check gives programs code, severity and range of each problem", async () => {
    const { out } = await check(WRONG, "--json");
    expect(out).toBe((await check(WRONG, "--format", "json")).out);
    expect(JSON.parse(out)).toMatchObject({
      ok: false,
      problems: [
        {
          code: "PEACH104",
          severity: "error",
          title: "Not a duration or a size",
          file: "peach.conf",
          line: 2,
          column: 27,
          end_line: 2,
          end_column: 29,
          related: [],
        },
      ],
    });
  });

  it("peach check writes one annotation a problem and nothing else for a hosted CI", async () => {
    const { out, err } = await check(WRONG, "--format", "github");
    expect(err).toBe("");
    expect(out).toMatch(/^::error file=peach\.conf,line=2,col=27,endLine=2,endColumn=29,title=PEACH104 [^\n]*$/);
    expect((await check(RIGHT, "--format", "github")).out).toBe("peach.conf: no problems in 1 task and 0 endpoints");
  });
});

describe("peach check --explain", () => {
  it("peach check --explain explains a code with an example and its mend", async () => {
    expect(await commandLine(["check", "--explain", "peach203"], { columns: 60 })).toMatchInlineSnapshot(`
      {
        "asked": [],
        "code": 0,
        "err": "",
        "out": "PEACH203 (error): A cycle

      A task starts when all its upstream tasks have ended. The
      tasks of a cycle would wait for each other for ever, so the
      graph must have none. The message names the cycle task by
      task, and each edge is shown. Remove one of them. To repeat
      work on purpose, trigger the first task from the last one's
      method by \`triggerTaskWithEvent\`: that is a new run.

      Wrong:

          tasks:
            fetch: {method: fetch, downstream: parse}
            parse: {method: parse, downstream: fetch}

      Right:

          tasks:
            fetch: {method: fetch, downstream: parse}
            parse: {method: parse}",
      }
    `);
  });

  it("peach check --explain explains every code within 80 columns", async () => {
    for (const code of Object.keys(CODES)) {
      const { code: exit, out } = await commandLine(["check", "--explain", code]);
      expect([code, exit, out.startsWith(`${code} (`)]).toEqual([code, 0, true]);
      const [prose = ""] = out.split("\nWrong:");
      expect(prose.split("\n").filter((line) => line.length > 80)).toEqual([]);
    }
  });

  it("peach check --explain refuses a code that does not exist, with the most similar one", async () => {
    expect(await commandLine(["check", "--explain", "PEACH2O3"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("there is no code PEACH2O3; did you mean PEACH203?"),
    });
    expect(await commandLine(["check", "--explain", "cycles"])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/there is no code cycles; they go from PEACH001 to PEACH\d+/),
    });
  });
});
