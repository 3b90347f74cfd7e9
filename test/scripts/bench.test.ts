import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { benchConf, lastTaskOf } from "../../scripts/bench/conf.ts";
import { take } from "../../scripts/bench/measurement.ts";
import type { Measure } from "../../scripts/bench/measure.ts";
import { readOptions } from "../../scripts/bench/options.ts";
import { dollarsPerMillionTasks } from "../../scripts/bench/prices.ts";
import { Recorder } from "../../scripts/bench/recorder.ts";
import { renderReport } from "../../scripts/bench/report.ts";
import { figureOf, medianOf } from "../../scripts/bench/statistics.ts";
import { localSystem, SYSTEMS, type System } from "../../scripts/bench/systems.ts";
import { judge } from "../../scripts/bench/targets.ts";
import { BLOB_BYTES, batonOf, blobOf, WORKS, type Baton } from "../../scripts/bench/worker/works.ts";
import { UsageError } from "../../src/local/arguments.ts";
import { compileProject } from "../../src/compiler/compile.ts";
import { withProject } from "../compiler/project.ts";

const REPO_ROOT = join(import.meta.dirname, "../..");
const PIPELINES = join(REPO_ROOT, "scripts/bench/worker/pipelines");
const BATON: Baton = { id: "a", report: null, stamps: [1], pad: "" };

function fakeSystem(name: System["name"], taken: string[]): System {
  return {
    name,
    async run() {
      taken.push(name);
      return { acceptedMs: 1, toCodeMs: 2, stamps: [] };
    },
  };
}

const MEASURE: Measure = {
  name: "fake",
  metrics: [{ name: "fake", title: "fake", unit: "ms" }],
  systems: ["peach", "bound"],
  sample: async (system) => [(await system.run("solo")).toCodeMs],
};

describe("the bench's peach.conf", () => {
  it("the bench's peach.conf compiles to a root task for each work, with all that follows from it", async () => {
    await withProject({ conf: benchConf(), pipelines: {} }, async ({ confPath }, folder) => {
      const outDir = join(folder, "generated");
      mkdirSync(outDir);
      const wranglerPath = join(folder, "wrangler.toml");
      writeFileSync(wranglerPath, "");
      const compiled = compileProject({
        projectRoot: REPO_ROOT,
        confPath,
        pipelinesDir: PIPELINES,
        wranglerPath,
        outDir,
      });
      expect(compiled.diagnostics).toEqual([]);
      if (!compiled.ok) return;
      const { tasks } = compiled.plan;
      expect(Object.keys(tasks)).toHaveLength(1 + 1 + 10 + 100 + 102 + 1_002 + 3 + 4 + 4 + 5);
      for (const work of Object.keys(WORKS)) expect(tasks).toHaveProperty(work);
      expect(tasks["fan_1000"]?.downstream).toHaveLength(1_000);
      expect(tasks[lastTaskOf("chain_100")]?.downstream).toEqual([]);
      expect(tasks["solo_direct"]?.dispatch).toBe("direct");
    });
  });

  it("the bench's peach.conf carries the baton in front of 10 MiB", () => {
    const blob = blobOf(BATON);
    expect(blob).toHaveLength(BLOB_BYTES);
    expect(batonOf(blob)).toEqual(BATON);
  });
});

describe("taking samples", () => {
  it.each([
    ["a sample of a baseline that breaks is taken once more in a runtime started anew, and said", "bound", 1, 1],
    ["a sample of a baseline that breaks again is not taken a third time", "bound", 2, 0],
    ["a sample of Peach that breaks is not taken again", "peach", 1, 0],
  ] as const)("%s", async (_, name, breaks, ends) => {
    let left = breaks;
    let restarts = 0;
    const restart = (): Promise<void> => Promise.resolve(void (restarts += 1));
    const system: System = {
      name,
      ...(name === "peach" ? {} : { restart }),
      run: () => {
        left -= 1;
        return left < 0
          ? Promise.resolve({ acceptedMs: 1, toCodeMs: 2, stamps: [] })
          : Promise.reject(new Error("500"));
      },
    };
    const said: string[] = [];
    const options = {
      rounds: 1,
      share: 1,
      overloadMs: 0,
      signal: new AbortController().signal,
      onProgress: (text: string) => said.push(text),
    };
    const taken = take(MEASURE, [system], options);
    if (ends === 0) await expect(taken).rejects.toThrow(`fake broke on ${name}`);
    else expect(await taken).toMatchObject([{ figures: { [name]: { median: 2 } } }]);
    expect(said.filter((text) => text.includes("starts anew"))).toHaveLength(name === "peach" ? 0 : 1);
    expect(restarts).toBe(name === "peach" ? 0 : 1);
  });

  it("taking samples lets the systems that can take turns, and drops the warm-up", async () => {
    const taken: string[] = [];
    const systems = SYSTEMS.map((name) => fakeSystem(name, taken));
    const options = {
      rounds: 2,
      share: 1,
      overloadMs: 0,
      signal: new AbortController().signal,
      onProgress: () => undefined,
    };
    const [result] = await take(MEASURE, systems, options);
    expect(taken).toEqual(["peach", "bound", "peach", "bound", "peach", "bound"]);
    expect(result?.figures.peach?.samples).toEqual([2, 2]);
    expect(result?.figures.workflows).toBeUndefined();
  });

  it("taking samples stops between two samples when it is told to", async () => {
    const told = new AbortController();
    const taken: string[] = [];
    const options = { rounds: 9, share: 1, overloadMs: 0, signal: told.signal, onProgress: () => told.abort() };
    await expect(take(MEASURE, [fakeSystem("peach", taken)], options)).rejects.toThrow("aborted");
    expect(taken).toHaveLength(2);
  });

  it("taking samples sums samples up by median and spread", () => {
    expect(medianOf([3, 1, 2])).toBe(2);
    expect(medianOf([4, 1])).toBe(2.5);
    expect(figureOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3, samples: [3, 1, 2] });
  });
});

describe("a system on this machine", () => {
  it("a system on this machine ends a run with what its last task reports", async () => {
    const recorder = await Recorder.start();
    const peach = await Recorder.start();
    try {
      const report = recorder.stampsOf("run");
      await fetch(recorder.url, { method: "POST", body: JSON.stringify({ id: "run", stamps: [5, 9] }) });
      expect(await report).toEqual([5, 9]);
      // A recorder answers 204, which is no 202.
      const system = localSystem("peach", recorder, () => peach.url);
      await expect(system.run("solo")).rejects.toThrow("answered 204");
    } finally {
      recorder.close();
      peach.close();
    }
  });
});

describe("the verdicts", () => {
  const metric = { name: "chain_10", title: "chain of 10, per hop", unit: "ms" } as const;
  const figures = { peach: figureOf([2]), workflows: figureOf([8]), bound: figureOf([1]) };

  it("the verdicts compare the medians of one run, each way", () => {
    const verdicts = judge([{ ...metric, figures }]);
    expect(verdicts.map(({ against, ratio, reached }) => [against, ratio, reached])).toEqual([
      ["workflows", 0.25, true],
      ["bound", 2, false],
    ]);
    const [least] = judge(
      [{ ...metric, figures }],
      [{ metric: "chain_10", against: "bound", bound: "at least", limit: 1.9 }],
    );
    expect(least?.reached).toBe(true);
  });

  it("the verdicts are left out where there is nothing to compare with", () => {
    expect(judge([{ ...metric, figures: { peach: figureOf([2]) } }])).toEqual([]);
  });

  it("the verdicts stand beside the figures in the report", () => {
    const results = [{ ...metric, figures }];
    const text = renderReport({
      taken_at: "2026-11-22T00:00:00.000Z",
      url: null,
      versions: { workerd: "1" },
      cpus: 2,
      rounds: 1,
      quick: true,
      results,
      verdicts: judge(results),
      cost: null,
    });
    expect(text).toContain("chain of 10, per hop (ms)  2.00 (2.00-2.00)  8.00 (8.00-8.00)");
    expect(text).toContain("NOT REACHED  chain of 10, per hop  2.00 x bare bound   at most 1.4");
  });
});

describe("the price of a run", () => {
  it("the price of a run is the sum of what is billed, for each task", () => {
    const operations = {
      rowsWritten: 12,
      objectRequests: 6,
      queueOperations: 3,
      workerRequests: 2,
      r2ClassA: 1,
      r2ClassB: 1,
    };
    expect(dollarsPerMillionTasks(operations, 4)).toBeCloseTo((12 + 0.9 + 1.2 + 0.6 + 4.5 + 0.36) / 4, 10);
  });
});

describe("the command line of bench", () => {
  it("the command line of bench measures everything by default, and less with --quick or --only", () => {
    const all = readOptions([], {});
    expect([all.rounds, all.cost, all.quick]).toEqual([5, true, false]);
    const some = readOptions(["--quick", "--only", "blobs", "--only", "cost"], {});
    expect([some.rounds, some.cost, some.measures.map(({ name }) => name)]).toEqual([3, true, ["blobs"]]);
  });

  it("the command line of bench takes the token of a deployment from the environment", () => {
    const { deployed, cost } = readOptions(["--url", "https://peach.example/"], { PEACH_API_TOKEN: "t" });
    expect(deployed).toEqual({ url: "https://peach.example", token: "t" });
    expect(cost).toBe(false);
  });

  it.each([
    [["--only", "chain"], "--only takes the name of a measure"],
    [["--rounds", "0"], "--rounds takes a number from 1 to 100"],
    [["--url", "peach.example"], "--url takes an http(s) URL"],
    [["--url", "https://peach.example"], "--url needs an API token"],
  ])("the command line of bench refuses %j", (args, reason) => {
    expect(() => readOptions(args, {})).toThrow(UsageError);
    expect(() => readOptions(args, {})).toThrow(reason);
  });
});
