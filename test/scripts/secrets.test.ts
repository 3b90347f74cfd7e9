import { describe, expect, it } from "vitest";
import { withSecrets } from "../../scripts/local/secrets.ts";
import { neededSecrets } from "../../src/conf/needed-secrets.ts";
import { planOf, withProject } from "../conf/project.ts";
import { commandLine } from "./command-line.ts";

const CONF = `endpoints:
  pushed: {method: handle, auth: {signature: github, secret: GITHUB_SECRET}}
  paid: {method: handle, auth: {signature: stripe, secret: STRIPE_SECRET}}
  pulled: {method: handle, auth: {signature: github, secret: GITHUB_SECRET}}
  open: {method: handle}
  ours: {method: handle, auth: token}
`;

describe("the secrets that endpoints need", () => {
  it("are each named once, with its endpoints", async () => {
    expect(neededSecrets(await planOf(CONF))).toEqual([
      { name: "GITHUB_SECRET", endpoints: ["pushed", "pulled"] },
      { name: "STRIPE_SECRET", endpoints: ["paid"] },
    ]);
  });

  it("come from .dev.vars or the environment, which wins; what neither has is missing", async () => {
    const plan = await planOf(CONF);
    const none = { GITHUB_SECRET: "", STRIPE_SECRET: undefined, OTHER: "other" };
    expect(withSecrets(plan, { MINE: "1", GITHUB_SECRET: "file" }, none)).toEqual({
      vars: { MINE: "1", GITHUB_SECRET: "file" },
      missing: [{ name: "STRIPE_SECRET", endpoints: ["paid"] }],
    });
    const environment = { GITHUB_SECRET: "environment", STRIPE_SECRET: "too", OTHER: "other" };
    expect(withSecrets(plan, { GITHUB_SECRET: "file" }, environment)).toEqual({
      vars: { GITHUB_SECRET: "environment", STRIPE_SECRET: "too" },
      missing: [],
    });
    expect(withSecrets(plan, { GITHUB_SECRET: "" }, {}).missing).toHaveLength(2);
  });

  it("are listed by peach check, in words and in JSON", { timeout: 60_000 }, async () => {
    await withProject({ conf: CONF }, async ({ confPath, pipelinesDir }) => {
      const env = { PEACH_CONF: confPath, PEACH_PIPELINES: pipelinesDir };
      const { code, out } = await commandLine(["check"], { env });
      expect(code).toBe(0);
      expect(out.split("\n").slice(1)).toEqual([
        "needs the secret GITHUB_SECRET, without which pushed, pulled refuse every delivery: npx wrangler secret put GITHUB_SECRET",
        "needs the secret STRIPE_SECRET, without which paid refuses every delivery: npx wrangler secret put STRIPE_SECRET",
      ]);
      const json = await commandLine(["check", "--json"], { env });
      expect(JSON.parse(json.out)).toMatchObject({
        secrets: [
          { name: "GITHUB_SECRET", endpoints: ["pushed", "pulled"] },
          { name: "STRIPE_SECRET", endpoints: ["paid"] },
        ],
      });
    });
  });
});
