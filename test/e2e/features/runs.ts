/** What decides which tasks of a run start, when, and with what. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { taskOf } from "../peach.ts";
import type { Stage } from "../stage.ts";
import { DEPTH, letGo, passed, runsOf, SOON } from "./deployment.ts";

const LIMITS = z.object({ limits: z.array(z.object({ task: z.string(), waiting: z.number() })) });

type Way = "succeeds" | "fails" | "is left out";

export function describeRuns(stage: () => Stage): void {
  describe("run_if", () => {
    //          ┌─▶ first ──┐
    //  ways ───┤           ├─▶ one task of each rule
    //          └─▶ second ─┘
    it.each<[Way, Way, readonly string[]]>([
      [
        "succeeds",
        "succeeds",
        ["all_done", "all_success", "none_failed", "none_failed_min_one_success", "one_success"],
      ],
      ["succeeds", "fails", ["all_done", "one_failed", "one_success"]],
      ["succeeds", "is left out", ["all_done", "none_failed", "none_failed_min_one_success", "one_success"]],
      ["fails", "fails", ["all_done", "all_failed", "one_failed"]],
      ["fails", "is left out", ["all_done", "one_failed"]],
      ["is left out", "is left out", ["all_done", "none_failed"]],
    ])(
      "starts, where one upstream task %s and the other %s, what each rule allows",
      async (first, second, expected) => {
        const { run_id } = await stage().peach.trigger("ways", { first, second });
        const run = await stage().peach.finished(run_id);
        const ran = stage()
          .recorder.of(run_id, "ran")
          .map(({ task }) => task);
        expect(ran.toSorted()).toEqual(expected);
        const leftOut = Object.entries({ first, second }).flatMap(([name, way]) =>
          way === "is left out" ? [name] : [],
        );
        for (const name of leftOut)
          expect(taskOf(run, name)).toMatchObject({ status: "skipped", reason: "not_chosen" });
        for (const name of expected) expect(taskOf(run, name)).toMatchObject({ status: "succeeded" });
      },
    );
  });

  describe("debounce", () => {
    it("has triggers of one key share a run, which has the last of their payloads, and others one of their own", async () => {
      const items = ["a", "a", "b", "a"];
      const runs = await inTurn(
        items.entries(),
        async ([at, item]) => (await stage().peach.trigger("gathers", { item, at })).run_id,
      );
      expect(new Set(runs).size).toBe(2);
      const [ofA = "", , ofB = ""] = runs;
      expect(runs).toEqual([ofA, ofA, ofB, ofA]);
      for (const [run, at] of [
        [ofA, 3],
        [ofB, 2],
      ] as const) {
        expect((await stage().peach.finished(run)).status).toBe("succeeded");
        expect(await passed(stage(), run, "gathers")).toMatchObject({ at });
      }
    });

    it("starts max_wait after the first trigger, though they come faster than the delay", async () => {
      const sent: { run: string; at: number; n: number }[] = [];
      await expect
        .poll(
          async () => {
            const n = sent.length;
            const { run_id } = await stage().peach.trigger("gathers_at_most", { n });
            sent.push({ run: run_id, at: Date.now(), n });
            return new Set(sent.map(({ run }) => run)).size;
          },
          { timeout: 60_000, interval: 200 },
        )
        .toBe(2);
      const first = sent.filter(({ run }) => run === sent[0]?.run);
      const pauses = sent.slice(1).map(({ at }, index) => at - (sent[index]?.at ?? 0));
      expect(Math.max(...pauses), "the pauses between the triggers").toBeLessThan(4_000);
      expect(first.length).toBeGreaterThan(2);
      await stage().peach.finished(sent[0]?.run ?? "");
      expect(await passed(stage(), sent[0]?.run ?? "", "gathers_at_most")).toEqual({ n: first.at(-1)?.n });
    });
  });

  describe("a limit", () => {
    it("gives its place to what waits with the highest priority", async () => {
      const trigger = async (rank: number): Promise<string> =>
        (await stage().peach.trigger("by_rank", { rank })).run_id;
      const holder = await trigger(0);
      await expect.poll(() => stage().recorder.waitingAt(holder), SOON).toBe(1);
      const runs = await inTurn([0, 100, 5], trigger);
      await expect.poll(() => waitingFor(stage(), "by_rank"), SOON).toBe(3);
      for (const run of [holder, runs[1], runs[2], runs[0]])
        expect((await letGo(stage(), run ?? "")).status).toBe("succeeded");
      const order = stage()
        .recorder.reports("waits")
        .flatMap(({ task, run }) => (task === "by_rank" ? [run] : []));
      expect(order).toEqual([holder, runs[1], runs[2], runs[0]]);
    });

    it("with the strategy skip, skips what finds no slot, and what follows it", async () => {
      const { run_id: holder } = await stage().peach.trigger("or_skips");
      await expect.poll(() => stage().recorder.waitingAt(holder), SOON).toBe(1);
      const { run_id } = await stage().peach.trigger("or_skips");
      const run = await stage().peach.finished(run_id);
      expect(taskOf(run, "or_skips")).toMatchObject({ status: "skipped", reason: "concurrency", attempts: [] });
      expect(taskOf(run, "after_skips")).toMatchObject({ status: "skipped" });
      expect((await letGo(stage(), holder)).status).toBe("succeeded");
      expect(stage().recorder.of(run_id, "waits")).toEqual([]);
    });
  });

  describe("inline_limit", () => {
    it("keeps smaller payloads with the run, and puts larger ones into R2 only", async () => {
      const stored = (): number => objectsIn(stage().folder);
      const before = stored();
      const send = async (text: string): Promise<void> => {
        const { run_id } = await stage().peach.trigger("echo", text);
        await stage().peach.finished(run_id);
        expect(await (await stage().peach.payload(run_id, "echo")).text()).toBe(text);
      };
      await send("x".repeat(900));
      expect(stored()).toBe(before);
      await send("x".repeat(1_100));
      expect(stored()).toBeGreaterThan(before);
    });
  });

  describe("runs that trigger each other", () => {
    it(`are refused at a depth of ${DEPTH}, and the task that went too far says so`, async () => {
      const { run_id: first } = await stage().peach.trigger("deeper", 0);
      const chain = [first];
      for (let run = await stage().peach.finished(first); run.children.length > 0;) {
        expect(run.status).toBe("succeeded");
        const [child] = run.children;
        chain.push(child?.run_id ?? "");
        run = await stage().peach.finished(child?.run_id ?? "");
      }
      expect(
        stage()
          .recorder.reports("depth")
          .map(({ data }) => data),
      ).toEqual([0, 1, 2, 3]);
      expect(chain).toHaveLength(DEPTH + 1);
      const last = await stage().peach.run(chain.at(-1) ?? "");
      expect(taskOf(last, "deeper")).toMatchObject({
        status: "failed",
        attempts: [{ error: { message: expect.stringContaining(`at the end of a chain of ${DEPTH + 1} runs`) } }],
      });
    });
  });

  describe("a task that emits an event", () => {
    it("starts each task that listens once, whatever it does then, and all of them know it", async () => {
      const { run_id } = await stage().peach.trigger("publishes", { headline: "x" });
      const run = await stage().peach.finished(run_id);
      expect(taskOf(run, "publishes").attempts.map(({ status }) => status)).toEqual(["failed", "succeeded"]);
      const told = stage()
        .recorder.of(run_id, "published")
        .map(({ data }) => data);
      expect(told).toHaveLength(2);
      expect(told[1]).toEqual(told[0]);
      expect(run.children.map(({ task }) => task).toSorted()).toEqual(["hears_all", "hears_one"]);
      for (const child of run.children) {
        expect(await stage().peach.finished(child.run_id)).toMatchObject({
          status: "succeeded",
          trigger: { source: "event", by: "news.published", parent: { run_id, task: "publishes" } },
        });
        expect(await passed(stage(), child.run_id, child.task)).toEqual({ headline: "x" });
      }
    });

    it("is heard of only by those who listen, and nobody need", async () => {
      const emit = (name: string): Promise<Response> =>
        stage().peach.call(`/api/v1/events/${name}`, { method: "POST", body: "{}" });
      expect((await runsOf(await emit("news.withdrawn"))).map(({ task }) => task)).toEqual(["hears_all"]);
      expect(await runsOf(await emit("news.forgotten"))).toEqual([]);
    });
  });
}

/** One after the other. */
async function inTurn<T, R>(values: Iterable<T>, act: (value: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const value of values) results.push(await act(value));
  return results;
}

/** How many attempts wait for the task's slot. */
async function waitingFor(stage: Stage, task: string): Promise<unknown> {
  const { limits } = LIMITS.parse(await (await stage.peach.call("/api/v1/limits")).json());
  return limits.find((limit) => limit.task === task)?.waiting;
}

/** How many objects the bucket with payloads holds, as they lie in the runtime's state. */
function objectsIn(folder: string): number {
  const paths = readdirSync(join(folder, "state"), { recursive: true, encoding: "utf8" });
  return paths.filter((path) => /peach-payloads.blobs.[^/]+$/.test(path)).length;
}
