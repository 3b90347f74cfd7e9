import { describe, expect, it } from "vitest";
import { checkProject } from "../../src/compiler/compile.ts";
import { renderDiagnostic } from "../../src/compiler/diagnostic.ts";
import { withProject } from "./project.ts";

const IMPORT = 'import { triggerTaskWithEvent, emitEvent as emit } from "peach/task-helpers";\n';

/** The warnings for one endpoint `hook` with these keys beside its method, whose file this is. */
function warningsFor(keys: string, file: string): Promise<string> {
  const conf = `tasks:\n  t: {method: t}\nendpoints:\n  hook:\n    method: hook\n${keys}`;
  const pipelines = { "t.ts": "export const t = () => 1;\n", "hook.ts": IMPORT + file };
  return withProject({ conf, pipelines }, (paths, folder) => {
    const { compiled, diagnostics, warnings } = checkProject(paths);
    if (compiled === null) throw new Error(diagnostics.map(renderDiagnostic).join("\n"));
    return warnings.map(renderDiagnostic).join("\n\n").replaceAll(`${folder}/`, "");
  });
}

const TRIGGERING = 'export async function hook() {\n  await triggerTaskWithEvent("t");\n}\n';

describe("an endpoint that anybody may call and that triggers something", () => {
  it("an endpoint that anybody may call and that triggers something is warned about at its name, with how to silence it", async () => {
    expect(await warningsFor("", TRIGGERING)).toMatchInlineSnapshot(`
      "peach.conf:4:3: endpoints.hook: anybody may call it, and it triggers tasks [PEACH702]
        4 |   hook:
          |   ^^^^
        hint: say who may: \`auth: token\`, or \`auth: {signature: standard-webhooks, secret: NAME_OF_A_VARIABLE}\`; if it is meant to be open, write \`auth: none\`"
    `);
  });

  it.each([
    ["emits an event, by another name", "export const hook = async () => emit('e');"],
    [
      "triggers by its context",
      "export async function hook(_, endpoint) { await endpoint.triggerTaskWithEvent('t'); }",
    ],
    [
      "triggers by what it takes off its context",
      "export async function hook(_, { triggerTaskWithEvent: go }) { go('t'); }",
    ],
    [
      "triggers by a function of the same file, and one in between",
      "const last = () => triggerTaskWithEvent('t');\nfunction middle() { return last(); }\nexport async function hook() { await middle(); }",
    ],
    ["is exported by another name", "async function handle() { await emit('e'); }\nexport { handle as hook };"],
  ])("an endpoint that anybody may call and that triggers something is seen where it %s", async (_, file) => {
    expect(await warningsFor("", file)).toContain("endpoints.hook: anybody may call it, and it triggers tasks");
  });

  it("an endpoint that anybody may call and that triggers something is seen where only its fallback triggers", async () => {
    const file = "export const hook = () => 1;\nexport const other = () => emit('e');\n";
    expect(await warningsFor("    fallback: other\n", file)).toContain("endpoints.hook: anybody may call it");
  });
});

describe("nothing is warned about where an endpoint", () => {
  it.each([
    ["says that it is open", "    auth: none\n"],
    ["asks for a token", "    auth: token\n"],
    ["asks for a signature", "    auth: {signature: github, secret: GITHUB_SECRET}\n"],
  ])("%s", async (_, keys) => {
    expect(await warningsFor(keys, TRIGGERING)).toBe("");
  });

  it("nothing is warned about where an endpoint triggers nothing, whatever else its file does", async () => {
    const file = "export const hook = () => 1;\nexport const task = () => emit('e');\nconst triggerTask = 1;\n";
    expect(await warningsFor("", file)).toBe("");
  });
});
