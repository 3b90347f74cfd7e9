import { beforeEach, describe, expect, it, vi } from "vitest";
import { edge } from "../support/edge.ts";
import { planOf, taskPlan } from "../support/plan.ts";
import { nextCall } from "../support/pool/pipelines/scripted.ts";

interface Listed {
  readonly run_id: string;
  readonly tags?: readonly string[];
}

/** Each test has a task of its own, and with it a catalog of its own. */
let task = "";
let tests = 0;
const TEMPLATES = ["news", "lang:{payload.language}"];
const plan = () => planOf([taskPlan(task, { method: "scripted", tags: TEMPLATES })]);
const send = (path: string, init?: RequestInit) => edge(plan())(`/api/v1${path}`, init);

function trigger(query: string, payload: unknown): Promise<Response> {
  return send(`/tasks/${task}/trigger${query}`, {
    method: "POST",
    body: JSON.stringify(payload),
    headers: { "Content-Type": "application/json" },
  });
}

async function triggered(query: string, payload: unknown): Promise<string> {
  const response = await trigger(query, payload);
  expect(response.status).toBe(202);
  return (await response.json<{ run_id: string }>()).run_id;
}

async function tagsOf(runId: string): Promise<readonly string[]> {
  return (await (await send(`/runs/${runId}`)).json<{ tags: string[] }>()).tags;
}

async function found(query: string): Promise<string[]> {
  const response = await send(`/runs?task=${task}${query}`);
  const { runs } = await response.json<{ runs: Listed[] }>();
  return runs.map(({ run_id }) => run_id);
}

beforeEach(() => {
  tests += 1;
  task = `tagged_${tests}`;
});

describe("tags of a run", () => {
  it("tags of a run are those of peach.conf with what the payload says, and those of its trigger, each once", async () => {
    const runId = await triggered("?tag=night&tag=news&tag=a%2Cb", { language: "de" });
    expect(await tagsOf(runId)).toEqual(["news", "lang:de", "night", "a,b"]);
    expect(await tagsOf(await triggered("", { other: 1 }))).toEqual(["news"]);
    expect(await tagsOf(await triggered("", "text"))).toEqual(["news"]);
  });

  it("tags of a run find it while it goes on and after its end, if it has them all", async () => {
    const german = await triggered("?tag=night", { language: "de" });
    const french = await triggered("", { language: "fr" });
    const expectFound = async (): Promise<void> => {
      await vi.waitFor(async () => expect((await found("")).length).toBe(2), 10_000);
      expect(await found("&tag=news")).toHaveLength(2);
      expect(await found("&tag=lang%3Ade")).toEqual([german]);
      expect(await found("&tag=news&tag=night")).toEqual([german]);
      expect(await found("&tag=night&tag=lang%3Afr")).toEqual([]);
      expect(await found("&tag=new")).toEqual([]);
    };
    await expectFound();
    for (const runId of [german, french]) (await nextCall(runId, task)).succeed();
    await vi.waitFor(async () => expect(await found("&status=succeeded&tag=news")).toHaveLength(2), 10_000);
    await expectFound();
    expect(await found("&status=failed&tag=news")).toEqual([]);
    const counted = await send(`/runs/count?task=${task}&tag=night`);
    expect(await counted.json()).toMatchObject({ total: 1, counts: { succeeded: 1 } });
  });

  it("tags of a run come back in lists, and a run without tags has no such field", async () => {
    const plain = edge(planOf([taskPlan(task, { method: "scripted" })]));
    await plain(`/api/v1/tasks/${task}/trigger`, { method: "POST" });
    await triggered("?tag=night", null);
    const list = async (): Promise<readonly Listed[]> =>
      (await (await send(`/runs?task=${task}`)).json<{ runs: Listed[] }>()).runs;
    await vi.waitFor(async () => expect(await list()).toHaveLength(2), 10_000);
    const [tagged, none] = await list();
    expect([tagged?.tags, none?.tags]).toEqual([["news", "night"], undefined]);
  });

  it("tags of a run stay those of its first trigger when the key comes again", async () => {
    const send2 = (tag: string): Promise<Response> =>
      send(`/tasks/${task}/trigger?tag=${tag}`, { method: "POST", headers: { "Idempotency-Key": "k" } });
    const { run_id: first } = await (await send2("one")).json<{ run_id: string }>();
    const { run_id: second } = await (await send2("two")).json<{ run_id: string }>();
    expect(second).toBe(first);
    expect(await tagsOf(first)).toEqual(["news", "one"]);
    const byKey = await send(`/runs?task=${task}&idempotency_key=k&tag=two`);
    expect(await byKey.json()).toMatchObject({ runs: [] });
  });

  it("tags of a run are kept by its replay", async () => {
    const runId = await triggered("?tag=night", { language: "de" });
    (await nextCall(runId, task)).succeed();
    const replayed = await send(`/runs/${runId}/replay`, {
      method: "POST",
      body: JSON.stringify({ language: "fr" }),
      headers: { "Content-Type": "application/json" },
    });
    const { run_id: again } = await replayed.json<{ run_id: string }>();
    expect(await tagsOf(again)).toEqual(["news", "lang:de", "night"]);
  });

  it("tags of a run beyond ten in all are refused, and nothing is started", async () => {
    const nine = Array.from({ length: 9 }, (_, index) => `tag=t${index}`).join("&");
    const refused = await trigger(`?${nine}`, { language: "de" });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({
      code: "invalid_request",
      errors: [{ path: "tags", message: "at most 10 in all" }],
    });
    expect(await tagsOf(await triggered(`?${nine}`, {}))).toHaveLength(10);
  });

  it.each(["tag=", "tag=%20a", `tag=${"x".repeat(101)}`, "tag=a%0Ab"])(
    "tags of a run are refused with %s",
    async (query) => {
      const refused = await trigger(`?${query}`, null);
      expect([refused.status, (await refused.json<{ code: string }>()).code]).toEqual([400, "invalid_request"]);
    },
  );
});
