import { describe, expect, it } from "vitest";
import { checkProject } from "../../src/conf/compile.ts";
import { renderDiagnostic } from "../../src/conf/diagnostic.ts";
import { withProject } from "./project.ts";

/** The warnings where one file of the pipelines imports this and does that. */
function warningsFor(file: string, other = ""): Promise<string> {
  const pipelines = {
    "t.ts": `import { other } from "./other.ts";\nexport const t = () => other;\n${file}`,
    "other.ts": `${other}\nexport const other = 1;\n`,
  };
  return withProject({ conf: "tasks:\n  t: {method: t}\n", pipelines }, (paths, folder) => {
    const { compiled, diagnostics, warnings } = checkProject(paths);
    if (compiled === null) throw new Error(diagnostics.map(renderDiagnostic).join("\n"));
    return warnings.map(renderDiagnostic).join("\n\n").replaceAll(`${folder}/`, "");
  });
}

const IMPORT = 'import { env, exports, WorkerEntrypoint } from "cloudflare:workers";\n';

describe("what a file of the pipelines reads of cloudflare:workers while it is evaluated", () => {
  it("is warned about at its place, with where to read it instead", async () => {
    expect(await warningsFor(`${IMPORT}const uploads = env.UPLOADS;\nexport const runs = exports;`))
      .toMatchInlineSnapshot(`
      "pipelines/t.ts:4:17: \`env\` of cloudflare:workers is read while the file is evaluated, where it has Peach's own bindings and secrets too
        4 | const uploads = env.UPLOADS;
          |                 ^^^
        hint: read it in the function that needs it: there it has what is the project's

      pipelines/t.ts:5:21: \`exports\` of cloudflare:workers is read while the file is evaluated, where it reaches Peach's own objects
        5 | export const runs = exports;
          |                     ^^^^^^^
        hint: read it in the function that needs it: there it has what is the project's"
    `);
  });

  it.each([
    ["by another name", 'import { env as all } from "cloudflare:workers";\nconsole.log(all);'],
    ["as a property", "const x = { env };"],
    ["by taking it apart", "const { UPLOADS } = env;"],
    ["in a static part of a class", "class A { static x = env.X; }"],
    ["in an argument", "JSON.stringify(env)"],
    ["in a branch", "if (env.X) console.log(1);"],
    ["off the module", 'import * as cf from "cloudflare:workers";\nconst x = cf.env.X;'],
    ["by taking the module apart", 'import * as cf from "cloudflare:workers";\nconst { env: e } = cf;'],
    ["by a computed name", 'import * as cf from "cloudflare:workers";\nconst x = cf["env"];'],
  ])("is seen %s", async (_, file) => {
    const warnings = await warningsFor(file.startsWith("import") ? file : IMPORT + file);
    expect(warnings.match(/`env` of cloudflare:workers is read while the file is evaluated/g)).toHaveLength(1);
  });

  it("is seen in a file that only others import", async () => {
    expect(await warningsFor("", `${IMPORT}console.log(env);`)).toContain("other.ts:2:13: `env` of cloudflare:workers");
  });

  it.each([
    [
      "functions",
      "export function f() { return env.X; }\nexport const g = async () => exports;\nexport const h = function () { return env; };",
    ],
    ["methods and fields", "class A { x = env.X; y() { return env; } static z() { return exports; } }"],
    ["names of its own", "const x = { env: 1 };\nx.env;\nclass B { env() {} exports = 1; }"],
    ["what is passed on", "export { env as later };"],
    ["types", "export type E = typeof env;\nexport type F = typeof env.X;"],
    [
      "classes of the module",
      'import * as cf from "cloudflare:workers";\nexport class E extends cf.WorkerEntrypoint {}',
    ],
    ["an env of somebody else", ""],
  ])("are not %s", async (what, file) => {
    const whole = what.includes("somebody")
      ? 'import { env } from "./mine.ts";\nenv;'
      : file.startsWith("import")
        ? file
        : IMPORT + file;
    expect(await warningsFor(whole)).toBe("");
  });
});
