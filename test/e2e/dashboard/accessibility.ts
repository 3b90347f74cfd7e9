/** Whether everybody can use what a page of the dashboard shows. */
import axe from "axe-core";
import { z } from "zod";
import type { Dashboard } from "./dashboard.ts";

const violations = z.array(z.object({ id: z.string(), impact: z.string().nullable(), nodes: z.array(z.string()) }));

/** What axe finds on the page as it is that is serious or worse, as `rule: element`. In the dark only colours are different. */
export async function seriousFaults({ page }: Dashboard, theme: "light" | "dark"): Promise<string[]> {
  const rules = theme === "dark" ? 'runOnly: ["color-contrast", "link-in-text-block"],' : "";
  await page.evaluate(axe.source);
  const found = await page.evaluate(
    `axe.run(document, { ${rules} resultTypes: ["violations"] }).then(({ violations }) =>
      violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map(({ html }) => html.slice(0, 160)) })))`,
  );
  return violations
    .parse(found)
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map((html) => `${id}: ${html}`));
}
