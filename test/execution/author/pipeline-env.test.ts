import { env, withEnv } from "cloudflare:workers";
import { env as own } from "../../support/env.ts";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { EndpointScope } from "../../../src/execution/author/endpoint-scope.ts";
import { acceptTrigger, emitEvent, plan } from "../../support/deployed.ts";
import { pipelineEnv } from "../../../src/execution/author/pipeline-env.ts";
import { task } from "../../../src/task-helpers.ts";
import { attempt } from "../../support/attempt.ts";
import { planOf, r2Rule, taskPlan } from "../../support/plan.ts";

/** What wrangler.toml binds for pipelines, and for nobody else. Everything else there is Peach's own. */
const FOR_PIPELINES = ["RECOMMENDATIONS", "UPLOADS"];
const SECRETS = { PEACH_API_TOKEN: "the token", PEACH_LATER: "1", GITHUB_SECRET: "theirs", AWS_REGION: "theirs" };
const SEEN = [...FOR_PIPELINES, "AWS_REGION", "GITHUB_SECRET"].toSorted();

/** As handlers get them: not what is imported, which is another thing within `withEnv`. */
function bindings(): Env {
  const bound: Env = { ...own, ...SECRETS };
  for (const name of Object.keys(bound)) if (name.startsWith("__VITEST")) Reflect.deleteProperty(bound, name);
  return bound;
}

describe("the env of pipelines", () => {
  it("the env of pipelines is all that wrangler.toml binds but Peach's own bindings, and what begins with PEACH_", () => {
    expect(Object.keys(pipelineEnv(bindings())).toSorted()).toEqual(SEEN);
  });

  it("the env of pipelines is a task's, by its context and by importing it, however deep, also where buckets trigger tasks", async () => {
    const listening = planOf([taskPlan("listen", { on: { r2: [r2Rule()] } })]);
    for (const known of [plan, listening]) {
      const seen: unknown[] = [];
      const look = async (_: unknown, { env: given }: { readonly env: object }): Promise<null> => {
        seen.push(Object.keys(given), Object.keys(env), JSON.stringify(given).includes("the token"));
        await Promise.resolve();
        await env.UPLOADS.head("nothing");
        seen.push(
          Object.keys(env),
          "RUN_QUEUE" in env,
          Reflect.get(given, "PEACH_API_TOKEN"),
          Reflect.get(env, "PAYLOADS"),
        );
        return null;
      };
      const { settlement } = await attempt(look, {}, { withEnv, env: bindings(), plan: known });
      expect(settlement.outcome).toMatchObject({ type: "succeeded" });
      const names = expect.toSatisfy((found: string[]) => JSON.stringify(found.toSorted()) === JSON.stringify(SEEN));
      expect(seen).toEqual([names, names, false, names, false, undefined, undefined]);
    }
    expect("RUN_QUEUE" in env).toBe(true);
  });

  it("the env of pipelines is what the schemas of a task import", async () => {
    const seen: boolean[] = [];
    const looking = z.unknown().refine(() => {
      seen.push("RUN_QUEUE" in env, "UPLOADS" in env);
      return true;
    });
    const typed = task({ input: looking, output: looking, run: () => null });
    await attempt(typed, {}, { withEnv, env: bindings() });
    expect(seen).toEqual([false, true, false, true]);
  });

  it("the env of pipelines is an endpoint's, by its context and by importing it", async () => {
    const call = { name: "hook", params: {}, requestId: "r", source: "endpoint", delivery: null } as const;
    const lifetime = { waitUntil: () => undefined };
    const port = { env: bindings(), lifetime, accept: acceptTrigger, emit: emitEvent, plan, withEnv };
    const scope = new EndpointScope({ ...call, triggered: () => undefined }, port);
    const seen = await scope.call(async (_, endpoint) => {
      await Promise.resolve();
      return [Object.keys(endpoint.env).toSorted(), Object.keys(env).toSorted()];
    }, new Request("http://edge.example/hook"));
    expect(seen).toEqual([SEEN, SEEN]);
  });
});
