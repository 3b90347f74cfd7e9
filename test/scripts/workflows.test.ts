/** What is run for every change and every night: the same commands as anybody runs, all of the proofs, and nothing without an end. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { PROOFS } from "../../scripts/proof/proofs.ts";

const step = z.object({
  run: z.string().optional(),
  uses: z.string().optional(),
  if: z.string().optional(),
  with: z.record(z.string(), z.unknown()).optional(),
});
const workflow = z.object({
  on: z.record(z.string(), z.unknown()),
  permissions: z.object({ contents: z.literal("read") }),
  jobs: z.record(
    z.string(),
    z.object({
      "timeout-minutes": z.number(),
      strategy: z.object({ matrix: z.record(z.string(), z.array(z.string())) }).optional(),
      steps: z.array(step),
    }),
  ),
});
const scripts = z.object({ scripts: z.record(z.string(), z.string()) });

function read(name: string): z.infer<typeof workflow> {
  return workflow.parse(parse(readFileSync(`.github/workflows/${name}.yml`, "utf8")));
}

function commandsOf({ jobs }: z.infer<typeof workflow>): string[] {
  return Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
}

describe("the workflows", () => {
  it("the workflows prove each push and each pull request by the script that anybody can run", () => {
    const ci = read("ci");
    expect(Object.keys(ci.on)).toEqual(["push", "pull_request"]);
    expect(commandsOf(ci).at(-1)).toBe("bash .ci/run");
  });

  it("the workflows run every long proof and the mutation check each night, and keep what they report, also of those that fail", () => {
    const nightly = read("nightly");
    expect(Object.keys(nightly.on)).toContain("schedule");
    const { proof } = nightly.jobs;
    expect(proof?.strategy?.matrix["proof"]).toEqual(PROOFS.map(({ name }) => name));
    expect(commandsOf(nightly)).toContain("npm run mutate -- --into mutation.json");
    expect(nightly.jobs["mutation"]?.steps.at(-1)?.with).toMatchObject({ path: "mutation.json" });
    for (const { steps } of Object.values(nightly.jobs))
      expect(steps.at(-1)).toMatchObject({ uses: expect.stringContaining("upload-artifact"), if: "always()" });
  });

  it("the workflows name commands that there are", () => {
    const known = scripts.parse(JSON.parse(readFileSync("package.json", "utf8"))).scripts;
    const named = [...commandsOf(read("ci")), ...commandsOf(read("nightly"))].flatMap(
      (line) => /^npm run (\S+)/.exec(line)?.[1] ?? [],
    );
    expect(named.filter((name) => known[name] === undefined)).toEqual([]);
    expect(named.length).toBeGreaterThan(2);
  });
});
