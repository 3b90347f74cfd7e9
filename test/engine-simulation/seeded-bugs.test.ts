import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { newSharedCounts, type Tally } from "./seeds/batch.ts";
import { tallyOf } from "./seeds/share.ts";
import { BUGS, type Bug } from "./bugs.ts";
import { ChangedWorkers } from "./changed-workers.ts";
import { FINDING_BUGS } from "./finding-bugs.ts";
import { changed, ROOT } from "../../src/testing/platform/bundle.ts";
import { workerCode } from "../../src/testing/platform/worker-code.ts";
import { NO_LIMITS } from "./seeds/shrink.ts";
import { simulate as liveThrough } from "./world.ts";

/** What `npm run simulate` is made of. */
const PARTS = ["src", "test/engine-simulation", "test/support/plan.ts", "scripts/simulate.ts", "package.json"];
/** How many are tried from the one where a bug is known to be found: worlds change with the code. */
const SEEDS = 60;

const workers = new ChangedWorkers();
const folder = mkdtempSync(join(tmpdir(), "seeded-bugs-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("a bug that breaks an invariant is found by the simulation", () => {
  it.each([...BUGS, ...FINDING_BUGS])("$invariant: $bug", { timeout: 240_000 }, async (bug) => {
    const { failures } = await hunt(bug);
    expect(failures).toHaveLength(1);
    expect([bug.invariant, ...(bug.or ?? [])], failures[0]?.violation.detail).toContain(
      failures[0]?.violation.invariant,
    );
  });

  it(
    "a bug that breaks an invariant is found by the command of the simulation too, which says how to live through it again",
    { timeout: 120_000 },
    async () => {
      const [bug] = BUGS;
      if (bug === undefined) throw new Error("there is no bug");
      const copy = join(folder, "copy");
      for (const part of PARTS) {
        mkdirSync(dirname(join(copy, part)), { recursive: true });
        cpSync(join(ROOT, part), join(copy, part), { recursive: true });
      }
      symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
      writeFileSync(join(copy, bug.file), changed(bug));
      const found = simulate(copy, "--seeds", "20", "--json");
      expect(found.status, found.stderr).toBe(1);
      const { violation } = z
        .object({ violation: z.object({ invariant: z.string(), replay: z.string() }) })
        .parse(JSON.parse(found.stdout));
      expect(violation.invariant).toBe(bug.invariant);
      const [, flags = ""] = /^npm run simulate -- (--seed \d+.*)$/.exec(violation.replay) ?? [];
      const again = simulate(copy, ...flags.split(" "), "--json");
      expect(again.status, again.stderr).toBe(1);
      expect(JSON.parse(again.stdout)).toMatchObject({ violation: { invariant: bug.invariant } });
    },
  );
});

/** Lives through the seed where it was found first, then through the next ones, until one breaks an invariant. */
async function hunt(bug: Bug): Promise<Tally> {
  // In this thread: most are found by the first seeds, within less time than another one takes to start.
  const code = workerCode(await workers.with(bug));
  const { theme, quick } = bug;
  const limits = { ...NO_LIMITS, ...(theme !== undefined && { theme }), ...(quick !== undefined && { quick }) };
  const share = { from: bug.seed, seeds: SEEDS, limits, forMs: Infinity, failures: 1, counts: newSharedCounts() };
  return tallyOf(share, (seed, within) => liveThrough(code, seed, within));
}

function simulate(copy: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const script = join(copy, "scripts/simulate.ts");
  return spawnSync(process.execPath, ["--no-warnings", script, ...args], { cwd: copy, encoding: "utf8" });
}
