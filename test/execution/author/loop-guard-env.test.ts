import { env as imported, withEnv } from "cloudflare:workers";
import { env } from "../../support/env.ts";
import { describe, expect, it } from "vitest";
import { loopGuardEnv } from "../../../src/execution/author/loop-guard-env.ts";
import { decodeLoopMark, encodeLoopMark } from "../../../src/triggers/loop-guard.ts";
import { attempt } from "../../support/attempt.ts";
import { newRunId } from "../../support/hand-driven.ts";
import { planOf, r2Rule, taskPlan } from "../../support/plan.ts";

const MARK = { runId: newRunId(), task: "archive", depth: 3 };
const PLAN = planOf([taskPlan("listen", { on: { r2: [r2Rule()] } })]);

async function markOf(bucket: R2Bucket, key: string) {
  return decodeLoopMark((await bucket.head(key))?.customMetadata);
}

describe("what a task writes", () => {
  it("what a task writes into a bucket that triggers tasks bears the mark of its run, beside its own metadata", async () => {
    const { UPLOADS } = loopGuardEnv(env, PLAN, MARK);
    await UPLOADS.put("mark/put", "x", { customMetadata: { mine: "kept" }, httpMetadata: { contentType: "a/b" } });
    const object = await env.UPLOADS.head("mark/put");
    expect(decodeLoopMark(object?.customMetadata)).toEqual(MARK);
    expect(object).toMatchObject({ customMetadata: { mine: "kept" }, httpMetadata: { contentType: "a/b" } });
    await UPLOADS.put("mark/plain", "x");
    expect(await markOf(env.UPLOADS, "mark/plain")).toEqual(MARK);
    const upload = await UPLOADS.createMultipartUpload("mark/parts");
    await upload.complete([await upload.uploadPart(1, "x")]);
    expect(await markOf(env.UPLOADS, "mark/parts")).toEqual(MARK);
  });

  it("what a task writes can be read, listed and deleted as ever, and keeps the conditions of a put", async () => {
    const { UPLOADS } = loopGuardEnv(env, PLAN, MARK);
    await UPLOADS.put("mark/again", "x");
    expect(await UPLOADS.put("mark/again", "y", { onlyIf: { etagDoesNotMatch: "*" } })).toBeNull();
    expect(await (await UPLOADS.get("mark/again"))?.text()).toBe("x");
    expect((await UPLOADS.list({ prefix: "mark/again" })).objects).toHaveLength(1);
    await UPLOADS.delete("mark/again");
    expect(await env.UPLOADS.head("mark/again")).toBeNull();
  });

  it("what a task writes into another bucket is not marked; other bindings are what they are", async () => {
    const marking = loopGuardEnv(env, PLAN, MARK);
    await marking.PAYLOADS.put("mark/other", "x");
    expect(await markOf(env.PAYLOADS, "mark/other")).toBeNull();
    expect(marking.RUNS).toBe(env.RUNS);
    expect(loopGuardEnv(env, planOf([taskPlan("listen")]), MARK)).toBe(env);
  });

  it("what a task writes is marked through task.env", async () => {
    const runId = newRunId();
    const lease = { runId, task: "archive", depth: 5 };
    await attempt((_, task) => task.env.UPLOADS.put("mark/task", "x").then(() => null), lease, { plan: PLAN });
    expect(await markOf(env.UPLOADS, "mark/task")).toEqual(lease);
  });

  it("what a task writes is marked through the env that is imported, however deep, each with its own run; after it nothing is", async () => {
    const writing = async (name: string) => {
      const lease = { runId: newRunId(), task: "archive", depth: 5 };
      const write = async (): Promise<null> => {
        await imported.UPLOADS.head("mark/none");
        await imported.UPLOADS.put(`mark/imported-${name}`, "x");
        const other: R2Bucket = Reflect.get<object, string>(imported, "OTHER");
        await other.put(`mark/imported-${name}`, "x");
        return null;
      };
      // Handlers get the bindings themselves, not what is imported.
      const bindings: Env & { OTHER: R2Bucket } = { ...env, OTHER: env.PAYLOADS };
      const { settlement } = await attempt(write, lease, { plan: PLAN, withEnv, env: bindings });
      expect(settlement.outcome).toMatchObject({ type: "succeeded" });
      expect(await markOf(env.UPLOADS, `mark/imported-${name}`)).toEqual(lease);
      expect(await markOf(env.PAYLOADS, `mark/imported-${name}`)).toBeNull();
    };
    await Promise.all([writing("one"), writing("other")]);
    await imported.UPLOADS.put("mark/outside", "x");
    expect(await markOf(env.UPLOADS, "mark/outside")).toBeNull();
  });
});

describe("a mark", () => {
  it.each([undefined, {}, { "peach-run": "" }, { "peach-run": `${newRunId()}/a` }, { "peach-run": "run_x/a/1" }])(
    "a mark is only what a task has written: %j",
    (metadata) => {
      expect(decodeLoopMark(metadata)).toBeNull();
    },
  );

  it("a mark says what it was made of", () => {
    expect(decodeLoopMark({ "peach-run": encodeLoopMark(MARK) })).toEqual(MARK);
  });
});
