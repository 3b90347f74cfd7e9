import { describe, expect, it } from "vitest";
import { makeable, randomSecret, withSecrets } from "../../src/local/secrets.ts";
import { neededSecrets } from "../../src/compiler/needed-secrets.ts";
import { planOf, withProject } from "../compiler/project.ts";
import { commandLine } from "../scripts/command-line.ts";

const CONF = `endpoints:
  pushed: {method: handle, auth: {signature: github, secret: GITHUB_SECRET}}
  paid: {method: handle, auth: {signature: stripe, secret: STRIPE_SECRET}}
  pulled: {method: handle, auth: {signature: github, secret: GITHUB_SECRET}}
  open: {method: handle}
  ours: {method: handle, auth: token}
`;

describe("the secrets that endpoints need", () => {
  it("the secrets that endpoints need are each named once, with its endpoints", async () => {
    expect(neededSecrets(await planOf(CONF))).toEqual([
      { name: "GITHUB_SECRET", endpoints: ["pushed", "pulled"] },
      { name: "STRIPE_SECRET", endpoints: ["paid"] },
    ]);
  });

  it("the secrets that endpoints need come from .dev.vars or the environment, which wins; what neither has is missing", async () => {
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

  it("the secrets that endpoints need are made locally where the receiver chooses them, and only there", async () => {
    const plan = await planOf(`endpoints:
  a: {method: handle, url: /a, auth: {signature: standard-webhooks, secret: A}}
  b: {method: handle, url: /b, auth: {signature: hmac-sha256, secret: B}}
  c: {method: handle, url: /c, auth: {signature: github, secret: C}}
  d: {method: handle, url: /d, auth: {signature: stripe, secret: D}}
  e: {method: handle, url: /e, auth: {signature: hmac-sha256, secret: SHARED}}
  f: {method: handle, url: /f, auth: {signature: slack, secret: SHARED}}
`);
    expect(makeable(plan, withSecrets(plan, { B: "set" }, {}).missing)).toEqual(["A"]);
    expect(makeable(plan, withSecrets(plan, {}, {}).missing)).toEqual(["A", "B"]);
    expect(randomSecret()).toMatch(/^whsec_[\w+/]{43}=$/);
    expect(randomSecret()).not.toBe(randomSecret());
  });

  it(
    "the secrets that endpoints need are listed by peach check, in words and in JSON",
    { timeout: 60_000 },
    async () => {
      await withProject({ conf: CONF }, async ({ confPath, pipelinesDir }) => {
        const env = { PEACH_CONF: confPath, PEACH_PIPELINES: pipelinesDir };
        const { code, out } = await commandLine(["check"], { env });
        expect(code).toBe(0);
        expect(out.split("\n").slice(1)).toEqual([
          "needs the secret GITHUB_SECRET, without which pushed, pulled refuse every delivery: npx wrangler secret put GITHUB_SECRET; locally a line GITHUB_SECRET=… in .dev.vars",
          "needs the secret STRIPE_SECRET, without which paid refuses every delivery: npx wrangler secret put STRIPE_SECRET; locally a line STRIPE_SECRET=… in .dev.vars",
        ]);
        const json = await commandLine(["check", "--json"], { env });
        expect(JSON.parse(json.out)).toMatchObject({
          secrets: [
            { name: "GITHUB_SECRET", endpoints: ["pushed", "pulled"] },
            { name: "STRIPE_SECRET", endpoints: ["paid"] },
          ],
        });
      });
    },
  );
});
