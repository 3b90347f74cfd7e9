/** What the code of pipelines, and whoever reaches the local runtime, cannot get at. */
import { request } from "node:http";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { taskOf } from "./peach.ts";
import { Stage } from "./stage.ts";

const seen = z.object({
  given: z.array(z.string()),
  imported: z.array(z.string()),
  importedAtFirst: z.array(z.string()),
  importedAround: z.array(z.string()),
  exported: z.array(z.string()),
  ofProcess: z.array(z.string()),
  texts: z.string(),
});
/** What wrangler.toml binds for pipelines, and the variable of the stage that is theirs. */
const THEIRS = ["PUSH_SECRET", "RECOMMENDATIONS", "RECORDER_URL", "UPLOADS"];

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.openAsPeopleDo("boundaries");
  return () => stage.close();
});

/** The status of a request with headers that `fetch` would not send. */
function statusOf(method: string, path: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(stage.runtime.url + path, { method, headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    sent.on("error", reject);
    sent.end(method === "PUT" ? "forged" : "");
  });
}

describe("the code of a pipeline", () => {
  it("the code of a pipeline sees the bindings of the project, and nothing of Peach's own, by its context, by importing them, also while its file is evaluated and in what that leaves behind, and in process.env", async () => {
    const { run_id } = await stage.peach.trigger("look");
    await stage.peach.finished(run_id);
    const byTask = seen.parse(await (await stage.peach.payload(run_id, "look")).json());
    const byEndpoint = seen.parse(await (await fetch(`${stage.runtime.url}/look`)).json());
    for (const { given, imported, importedAtFirst, importedAround, exported, ofProcess, texts } of [
      byTask,
      byEndpoint,
    ]) {
      expect(given.toSorted()).toEqual(THEIRS);
      expect(imported.toSorted()).toEqual(THEIRS);
      expect(importedAtFirst.toSorted()).toEqual(THEIRS);
      expect(importedAround.toSorted()).toEqual(THEIRS);
      expect(exported).toEqual([]);
      expect(THEIRS).toEqual(expect.arrayContaining(ofProcess));
      expect(ofProcess).toContain("PUSH_SECRET");
      expect(texts).not.toContain(stage.runtime.token);
    }
  });

  it("the code of a pipeline opens no payload by its address in the bucket", async () => {
    const { run_id } = await stage.peach.trigger("look");
    await stage.peach.finished(run_id);
    // `inline_limit: 0B`: what the task has passed lies in the bucket.
    const uri = `s3://peach-payloads/runs/${run_id}/0/1-1`;
    const { run_id: opener } = await stage.peach.trigger("open", { uri });
    const run = await stage.peach.finished(opener);
    expect(taskOf(run, "open").attempts.at(-1)?.error?.message).toContain("holds the payloads of all runs");
  });
});

describe("the local runtime", () => {
  it("the local runtime answers to this machine only, whatever a browser was made to believe", async () => {
    const { host } = new URL(stage.runtime.url);
    const { port } = new URL(stage.runtime.url);
    const put = (headers: Record<string, string>): Promise<number | undefined> =>
      statusOf("PUT", "/dev/r2/uploads/rebound", headers);
    expect(await put({ Host: host })).toBe(201);
    expect(await put({ Host: `localhost:${port}` })).toBe(201);
    expect(await put({ Host: `evil.example:${port}` })).toBe(403);
    expect(await put({ Host: host, Origin: "https://evil.example" })).toBe(403);
    expect(await statusOf("GET", "/dashboard", { Host: "evil.example" })).toBe(403);
    // The runtime takes it for the address; what changes something says which page asks all the same.
    const asserted = { "MF-Original-URL": `${stage.runtime.url}/dev/r2/uploads/rebound` };
    const rebound = `evil.example:${port}`;
    expect(await put({ Host: rebound, Origin: `http://${rebound}`, ...asserted })).toBe(403);
    expect(await statusOf("POST", "/look", { Host: host, Origin: "null", "Content-Type": "text/plain" })).toBe(403);
  });

  it("the local runtime stores nothing in the bucket with payloads", async () => {
    const { host } = new URL(stage.runtime.url);
    expect(await statusOf("PUT", "/dev/r2/peach-payloads/runs/x", { Host: host })).toBe(404);
  });

  it("the local runtime answers after a burst of log lines, and has no connection for each of them", async () => {
    expect(await (await fetch(`${stage.runtime.url}/talk?lines=25000`)).json()).toBe("said");
    // More lines than a process may have files: the last of them has been read.
    const isLastRead = (): boolean => stage.runtime.logs.includes("line 24999");
    await expect.poll(isLastRead, { timeout: 30_000 }).toBe(true);
    const answer = await fetch(`${stage.runtime.url}/healthz`, { signal: AbortSignal.timeout(10_000) });
    expect(answer.status).toBe(200);
    expect(stage.runtime.logs.filter((line) => line.includes("Too many open files"))).toEqual([]);
  });
});
