import { describe, expect, it } from "vitest";
import { allProblemsOf } from "../project.ts";

/** The problems of an endpoint whose component `by` and fallback `other` are these. */
function problemsOf(by: string, other = "export const other = () => [];"): Promise<string> {
  return allProblemsOf({
    conf: `
endpoints:
  rec:
    params: {user: {type: string, required: true}, limit: {type: integer, default: 10}, kids: boolean, language: {type: string, enum: [de, fr], default: de}}
    components: {one: by}
    fallback: other
`,
    pipelines: {
      "rec.ts": `import type { RecommendationParams } from "peach/task-helpers";\nexport type P = RecommendationParams<"rec">;\n${by}\n${other}\n`,
    },
  });
}

describe("the parameter of a component", () => {
  it.each([
    ["takes none", "export const by = () => 1;"],
    ["is not typed", "export const by = (params) => params;"],
    ["has the generated type", "export const by = ({ user }: P) => user;"],
    [
      "has the exact types",
      'export const by = (p: { user: string; limit: number; kids?: boolean; language: "de" | "fr" }) => p;',
    ],
    ["names some", "export const by = ({ limit }: { limit: number }) => limit;"],
    ["is wider", "export const by = (p: { user: string | number; language: string }) => p;"],
  ])("the parameter of a component is fine where it %s", async (_how, by) => {
    expect(await problemsOf(by)).toBe("");
  });

  it.each([
    ["another type", "export const by = (p: { user: number }) => p;"],
    ["a name that is not declared", "export const by = (p: { item: string }) => p;"],
    ["no absent value of an optional one", "export const by = (p: { kids: boolean }) => p;"],
  ])("the parameter of a component is refused with %s", async (_what, by) => {
    expect(await problemsOf(by)).toMatch(
      /^peach\.conf:5:23: endpoints\.rec\.components\.one\.method: `by` does not take the parameters of `rec`/,
    );
  });

  it("the parameter of a component is compared for the fallback too", async () => {
    expect(
      await problemsOf("export const by = () => 1;", "export const other = (p: { user: number }) => p;"),
    ).toContain("endpoints.rec.fallback: `other` does not take the parameters of `rec`");
  });
});
