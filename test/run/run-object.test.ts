import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { runIdFromBytes } from "../../src/core/ids.ts";
import { graphFrom } from "../../src/core/graph.ts";
import { plan } from "#generated/plan";
import { callRun } from "../../src/run/run-client.ts";
import { nextCall } from "../support/pool/pipelines/scripted.ts";

function accept(root: string) {
  const graph = graphFrom(plan, root);
  if (graph === null) throw new Error(`no task ${root}`);
  const runId = runIdFromBytes(crypto.getRandomValues(new Uint8Array(16)));
  const payload = {
    kind: "json",
    size: 4,
    contentType: "application/json",
    at: "inline",
    bytes: new TextEncoder().encode("null"),
  } as const;
  return callRun(env, runId, (run) =>
    run.accept({ runId, graph, origin: { source: "api", by: "test", parent: null }, payload }),
  ).then(() => runId);
}

describe("a diamond on the real objects", () => {
  it("runs the join once, with what both parents passed", async () => {
    const runId = await accept("start");
    (await nextCall(runId, "start")).succeed({ from: "start" });
    const left = await nextCall(runId, "left");
    const right = await nextCall(runId, "right");
    expect(left.payload).toEqual({ from: "start" });
    right.succeed("r");
    left.succeed("l");
    const join = await nextCall(runId, "join");
    expect(join.payload).toEqual({ left: "l", right: "r" });
    join.succeed();
    const document = await callRun(env, runId, (run) => run.untilFinal(5_000));
    expect(document?.status).toBe("succeeded");
  });
});
