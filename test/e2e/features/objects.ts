/** Objects: what is triggered by them, how they are read, and what is done when a notification was lost or could not be taken. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { taskOf } from "../peach.ts";
import type { Stage } from "../stage.ts";
import { changeObject, listedRuns, onlyRunOf, passed, runOfObject, SOON } from "./deployment.ts";
import type { Elsewhere } from "./elsewhere.ts";

const letters = z.object({
  dead_letters: z.array(z.object({ id: z.string(), reason: z.string(), detail: z.string() })),
});
const reconciled = z.object({
  listed: z.number(),
  missed: z.array(z.object({ key: z.string(), task: z.string(), run_id: z.string() })),
});
const redriven = z.object({ runs: z.array(z.object({ run_id: z.string(), task: z.string() })) });

export function describeObjects(stage: () => Stage, elsewhere: () => Elsewhere): void {
  describe("on.r2", () => {
    it("triggers by prefix and suffix, and the task opens what was uploaded", async () => {
      expect(await changeObject(stage(), "PUT", "in/a.mp3", "no text")).toEqual([]);
      expect(await changeObject(stage(), "PUT", "elsewhere/a.txt", "elsewhere")).toEqual([]);
      const [triggered, ...others] = await changeObject(stage(), "PUT", "in/a.txt", "ein Text");
      expect([triggered?.task, others]).toEqual(["reads_object", []]);
      const run = await runOfObject(stage(), triggered?.run_id);
      expect(run).toMatchObject({ status: "succeeded", trigger: { source: "r2", by: "uploads/in/a.txt" } });
      const read = { text: "ein Text", size: 8, contentType: "text/plain" };
      expect(await passed(stage(), run.run_id, "reads_object")).toEqual(read);
      await expect.poll(() => listedRuns(stage(), "reads_object"), SOON).toHaveLength(1);
    });

    it("triggers by a deletion where a task asks for that, and by nothing else", async () => {
      expect(await changeObject(stage(), "PUT", "out/a.txt", "soon gone")).toEqual([]);
      const [triggered] = await changeObject(stage(), "DELETE", "out/a.txt");
      const run = await runOfObject(stage(), triggered?.run_id);
      expect(run).toMatchObject({ task: "forgets", status: "succeeded" });
      expect(await passed(stage(), run.run_id, "forgets")).toMatchObject({ action: "DeleteObject", key: "out/a.txt" });
      await expect.poll(() => listedRuns(stage(), "forgets"), SOON).toHaveLength(1);
    });
  });

  describe("openObject", () => {
    it("opens what `open` allows, and fails without another try at all else", async () => {
      const read = async (s3_uri: string) => {
        const { run_id } = await stage().peach.trigger("reads_inside", { s3_uri });
        return taskOf(await stage().peach.finished(run_id), "reads_inside");
      };
      await changeObject(stage(), "PUT", "in/allowed.md", "allowed");
      await changeObject(stage(), "PUT", "secret/a.txt", "not allowed");
      expect(await read("s3://uploads/in/allowed.md")).toMatchObject({ status: "succeeded" });
      for (const uri of ["s3://uploads/secret/a.txt", "s3://peach-payloads/runs/x", "s3://uploads/in/none.txt"]) {
        const { status, attempts } = await read(uri);
        expect([status, attempts.length]).toEqual(["failed", 1]);
      }
    });
  });

  describe("openObject of a bucket that nobody has bound", () => {
    it("reads from the store that the AWS_ secrets lead to, by a signed request", async () => {
      elsewhere().put("/archive/audio/ä 1.txt", "from elsewhere", "text/plain");
      const read = async (s3_uri: string) => {
        const { run_id } = await stage().peach.trigger("reads_object", { s3_uri });
        const run = await stage().peach.finished(run_id);
        return run.status === "succeeded" ? passed(stage(), run_id, "reads_object") : run.tasks[0]?.attempts[0]?.error;
      };
      expect(await read("s3://archive/audio/ä 1.txt")).toMatchObject({
        text: "from elsewhere",
        contentType: "text/plain",
      });
      expect(elsewhere().asked.at(-1)?.authorization).toMatch(
        /^AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE\/\d{8}\/eu-central-1\/s3\/aws4_request, /,
      );
      expect(await read("s3://archive/none.txt")).toMatchObject({ name: "NonRetryableError" });
    });
  });

  describe("objectEventsFrom", () => {
    it("reads what S3 sends to an endpoint, keys decoded, and the task opens the object", async () => {
      await changeObject(stage(), "PUT", encodeURI("from s3/ä b.md"), "von S3");
      const object = { key: "from+s3/%C3%A4+b.md", size: 6, eTag: "x" };
      const Records = [
        {
          eventTime: new Date().toISOString(),
          eventName: "ObjectCreated:Put",
          s3: { bucket: { name: "uploads" }, object },
        },
      ];
      const url = `${stage().peach.url}/announced`;
      const runId = await onlyRunOf(await fetch(url, { method: "POST", body: JSON.stringify({ Records }) }));
      expect((await stage().peach.finished(runId)).status).toBe("succeeded");
      expect(await (await stage().peach.payload(runId)).json()).toMatchObject({
        s3_uri: "s3://uploads/from s3/ä b.md",
      });
      expect(await passed(stage(), runId, "reads_object")).toMatchObject({ text: "von S3" });
    });

    it("answers 400 to what is no object event", async () => {
      const answer = await fetch(`${stage().peach.url}/announced`, { method: "POST", body: '{"a": 1}' });
      expect([answer.status, await answer.json()]).toMatchObject([400, { code: "invalid_payload" }]);
    });
  });

  describe("an upload that its task refuses", () => {
    it("becomes a dead letter, which is tried again until the task takes it, and then starts one run", async () => {
      await changeObject(stage(), "PUT", "wary/a.bin", "x");
      const kept = async (): Promise<z.infer<typeof letters>["dead_letters"]> =>
        letters.parse(await (await stage().peach.call("/api/v1/dead-letters")).json()).dead_letters;
      await expect.poll(kept, SOON).toMatchObject([{ reason: "refused" }]);
      const [letter] = await kept();
      expect(letter?.detail).toContain("not yet");
      const redrive = (): Promise<Response> =>
        stage().peach.call(`/api/v1/dead-letters/${letter?.id}/redrive`, { method: "POST" });

      const inVain = await redrive();
      expect([inVain.status, await inVain.json()]).toMatchObject([409, { code: "redrive_failed" }]);
      expect(await kept()).toHaveLength(1);

      const answer = await redrive();
      expect(answer.status).toBe(202);
      const { runs } = redriven.parse(await answer.json());
      expect(runs).toMatchObject([{ task: "wary" }]);
      expect((await stage().peach.finished(runs[0]?.run_id ?? "")).status).toBe("succeeded");
      expect(await kept()).toEqual([]);
      await expect.poll(() => listedRuns(stage(), "wary"), SOON).toEqual([runs[0]?.run_id]);
    });
  });

  describe("an upload of which nobody was notified", () => {
    it("is found by a reconciliation, and triggered once", async () => {
      const { run_id } = await stage().peach.trigger("writes", "missed/a.txt");
      await stage().peach.finished(run_id);
      await runOfObject(stage(), (await changeObject(stage(), "PUT", "missed/b.txt", "told"))[0]?.run_id);
      const reconcile = async (query: string): Promise<z.infer<typeof reconciled>> => {
        const path = `/api/v1/r2/uploads/reconcile?prefix=missed/${query}`;
        return reconciled.parse(await (await stage().peach.call(path, { method: "POST" })).json());
      };
      const tried = await reconcile("&dry_run=true");
      expect(tried).toMatchObject({ listed: 2, missed: [{ key: "missed/a.txt", task: "missed" }] });
      await expect.poll(() => listedRuns(stage(), "missed"), SOON).toHaveLength(1);
      expect(await reconcile("")).toEqual(tried);
      const run = await stage().peach.finished(tried.missed[0]?.run_id ?? "");
      expect(run).toMatchObject({ status: "succeeded", trigger: { source: "r2", by: "uploads/missed/a.txt" } });
      expect((await reconcile("")).missed).toEqual([]);
      await expect.poll(() => listedRuns(stage(), "missed"), SOON).toHaveLength(2);
    });
  });
}
