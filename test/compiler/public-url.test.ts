import { describe, expect, it } from "vitest";
import { checkProject } from "../../src/compiler/compile.ts";
import { renderDiagnostic } from "../../src/compiler/diagnostic.ts";
import { withProject } from "./project.ts";

const CONF =
  "tasks:\n  first: {method: t, downstream: ask}\n  ask:\n    method: t\n    external: true\n  other: {method: t, external: true}\n";

function warningsFor(wrangler: string, conf = CONF): Promise<string> {
  return withProject({ conf, pipelines: { "t.ts": "export const t = () => 1;\n" }, wrangler }, (paths, folder) => {
    const { compiled, diagnostics, warnings } = checkProject(paths);
    if (compiled === null) throw new Error(diagnostics.map(renderDiagnostic).join("\n"));
    return warnings.map(renderDiagnostic).join("\n\n").replaceAll(`${folder}/`, "");
  });
}

describe("a project with external tasks whose wrangler.toml does not set PEACH_URL", () => {
  it("a project with external tasks whose wrangler.toml does not set PEACH_URL is warned about at the first of them, with what to write", async () => {
    expect(await warningsFor('[vars]\nOTHER = "1"\n')).toMatchInlineSnapshot(`
      "peach.conf:5:5: tasks.ask.external: its completion URLs need the address of the deployment, and wrangler.toml does not set PEACH_URL [PEACH703]
        5 |     external: true
          |     ^^^^^^^^
        hint: without it each attempt fails once it is deployed; add to wrangler.toml:
          [vars]
          PEACH_URL = "https://WHERE.IT.IS.REACHED""
    `);
  });

  it.each(['[vars]\nPEACH_URL = ""\n', "[vars]\nPEACH_URL = 1\n", ""])(
    "a project with external tasks whose wrangler.toml has PEACH_URL as %j is warned about too",
    async (wrangler) => {
      expect(await warningsFor(wrangler)).toContain("does not set PEACH_URL");
    },
  );
});

describe("nothing is warned about where", () => {
  it.each([
    ["the variable is set", '[vars]\nPEACH_URL = "https://peach.example"\n'],
    ["an environment sets it", '[env.production.vars]\nPEACH_URL = "https://peach.example"\n'],
  ])("%s", async (_, wrangler) => {
    expect(await warningsFor(wrangler)).toBe("");
  });

  it("no task is external", async () => {
    expect(await warningsFor("", "tasks:\n  first: {method: t}\n  other: {method: t, external: false}\n")).toBe("");
  });
});
