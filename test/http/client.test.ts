import { describe, expect, it } from "vitest";
import { createClient } from "../../src/client/client.ts";
import { ADMIN_TOKEN, edge } from "../support/edge.ts";
import { planOf, taskPlan } from "../support/plan.ts";

const send = edge(planOf([taskPlan("scripted")]));

/** A client inside a worker, whose fetch is the edge itself, which holds each answer against its schema. */
const peach = createClient<Record<string, unknown>>({
  url: "http://peach.test",
  token: ADMIN_TOKEN,
  fetch: (url, init) => send(url.replace("http://peach.test", ""), init),
});

describe("the client in a worker", () => {
  it("the client in a worker triggers, reads and steers, and is told what is refused", async () => {
    const options = { idempotencyKey: "once", delay: "1h" };
    const { runId, deduplicated } = await peach.trigger("scripted", new Uint8Array([1, 2, 3]), options);
    expect(deduplicated).toBe(false);
    expect(await peach.trigger("scripted", new Uint8Array([1, 2, 3]), options)).toMatchObject({
      runId,
      deduplicated: true,
    });
    await expect(peach.trigger("scripted", "other", options)).rejects.toMatchObject({ code: "idempotency_mismatch" });
    expect(await (await peach.runs.payload(runId)).value()).toEqual(new Uint8Array([1, 2, 3]));
    expect(await peach.runs.cancel(runId)).toMatchObject({ status: "cancelled" });
    await expect(peach.runs.cancel(runId)).rejects.toMatchObject({ name: "PeachError", code: "run_final" });
    await expect(peach.trigger("scriptd")).rejects.toMatchObject({ code: "unknown_task", status: 404 });
  });

  it("the client in a worker hears the end of a run that is final, and has its result", async () => {
    const { runId } = await peach.trigger("scripted", new Blob(["streamed"]).stream(), { delay: "1h" });
    const first: string[] = [];
    for await (const event of peach.runs.events(runId)) {
      first.push(event.type);
      if (event.type === "run") await peach.runs.cancel(runId);
    }
    expect([first[0], first.at(-1)]).toEqual(["run", "end"]);
    expect(await peach.runs.result(runId)).toMatchObject({ status: "cancelled" });
  });
});
