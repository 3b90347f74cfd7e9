/** The endpoint of the examples to which a page sends the token of what was clicked. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { testPipeline } from "peach/testing";

describe.each([
  ["collaborative_filtering", "serving"],
  ["popular_items", "popular"],
  ["similar_items", "serving"],
])("the clicks of the example %s", (example, file) => {
  const template = `../../../templates/${example}`;
  const clickOf = async () => (await import(`${template}/src/pipelines/${file}.ts`)).click;
  const post = (token: string): RequestInit => ({ method: "POST", body: JSON.stringify({ token }) });

  it("are refused for a wrong token, and limited for each caller", async () => {
    const { click: endpoint } = parse(
      readFileSync(join(import.meta.dirname, template, "peach.conf"), "utf8"),
    ).endpoints;
    const conf = stringify({ endpoints: { click: endpoint } });
    const peach = await testPipeline({ conf, pipelines: { click: await clickOf() } });
    const statuses = [];
    for (let times = 0; times < 61; times += 1) statuses.push((await peach.request("/click", post("x"))).status);
    expect([...new Set(statuses)]).toEqual([400, 429]);
  });

  it("fail where it cannot be told if the token is wrong, so that the page can send it again", async () => {
    const click = await clickOf();
    await expect(click(new Request("https://peach.example/click", post("x")))).rejects.toThrow("outside a task");
  });
});
