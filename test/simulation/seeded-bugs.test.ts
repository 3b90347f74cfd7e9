import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Worker } from "node:worker_threads";
import { build } from "esbuild";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Share, Tally } from "../engine-simulation/seeds/batch.ts";
import { NO_LIMITS } from "../engine-simulation/seeds/shrink.ts";

const ROOT = resolve(import.meta.dirname, "../..");
/** What `npm run simulate` is made of. */
const PARTS = [
  "src",
  "test/simulation",
  "test/engine-simulation",
  "test/support/plan.ts",
  "test/support/start-rule.ts",
  "test/support/sql-database.ts",
  "test/support/journal-storage.ts",
  "scripts/simulate.ts",
  "package.json",
];
const SEEDS = 1_000;

interface Bug {
  readonly invariant: string;
  /** Others that it breaks as well: which of them is seen first depends on the world. */
  readonly or?: readonly string[];
  readonly bug: string;
  readonly file: string;
  readonly code: string;
  readonly instead: string;
}

/** One wrong change of the code each; the code must be found in the file exactly once. */
const BUGS: readonly Bug[] = [
  {
    invariant: "1 accepted is durable",
    bug: "a run is forgotten as soon as it is final",
    file: "src/run/run-protocol.ts",
    code: "return run.finishedAt !== null && !isKeptForOthers(run) && this.#around.now() >= nextWakeAt(run);",
    instead: "return run.finishedAt !== null && !isKeptForOthers(run);",
  },
  {
    invariant: "10 nothing is left",
    or: ["1 accepted is durable", "2 never stuck"],
    bug: "the alarm may be set to the time of the one that is handled",
    file: "src/platform/alarm-clock.ts",
    code: "const alarmAt = soonest === this.#firing ? soonest + 1 : soonest;",
    instead: "const alarmAt = soonest;",
  },
  {
    invariant: "2 order",
    bug: "a join starts when all but one of its parents have ended",
    file: "src/core/decision.ts",
    code: "} else if (waitingOn === 0) {",
    instead: "} else if (waitingOn <= 1) {",
  },
  {
    invariant: "2 order",
    bug: "a task starts whatever its run_if says",
    file: "src/core/decision.ts",
    code: "if (reason !== null) {",
    instead: "if (reason === 'not_chosen') {",
  },
  {
    invariant: "2 never stuck",
    bug: "an accepted run sets no alarm",
    file: "src/run/run-protocol.ts",
    code: "    this.#alarmOfRun.setForAccepted(run);\n",
    instead: "",
  },
  {
    invariant: "2 never stuck",
    bug: "after a reset a later alarm takes the place of a sooner one",
    file: "src/run/run-alarm.ts",
    code: "    if (this.#clock.at === Number.POSITIVE_INFINITY) return this.setFor(run);\n",
    instead: "",
  },
  {
    invariant: "2 never stuck",
    bug: "a suspended task is not started again when what it awaits has ended, only when its wait is over",
    file: "src/core/machine.ts",
    code: "resume(decision, event.runs);",
    instead: "",
  },
  {
    invariant: "2 order",
    bug: "a suspended task is started again where it should only have asked again",
    file: "src/core/suspension.ts",
    code: "soonestOf(left) <= decision.now",
    instead: "soonestOf(left) > decision.now",
  },
  {
    invariant: "11 steps once",
    bug: "steps are not given to the next attempt",
    file: "src/run/delivery.ts",
    code: "entry.steps !== undefined && {",
    instead: "entry.steps !== undefined && entry.attempts.length === 0 && {",
  },
  {
    invariant: "14 attempts are told",
    bug: "a cancelled attempt is not told so",
    file: "src/run/live-attempts.ts",
    code: 'over: state?.status === "cancelled" ? "cancelled" : "superseded"',
    instead: 'over: state?.status === "cancelled" ? null : "superseded"',
  },
  {
    invariant: "3 one winner",
    bug: "whoever settles a running task is believed",
    file: "src/core/machine.ts",
    code: 'if (state.status !== "running" || state.attempt !== settled.attempt || state.token !== settled.token)',
    instead: 'if (state.status !== "running")',
  },
  {
    invariant: "4 final",
    bug: "a task that was skipped is looked at again when its other parents end",
    file: "src/core/decision.ts",
    code: 'if (this.#state(child).status !== "pending") continue;',
    instead: "",
  },
  {
    invariant: "4 final",
    bug: "a retry runs what has succeeded too",
    file: "src/core/retry-in-place.ts",
    code: 'if (state.status === "failed" || state.status === "cancelled") again.add(ordinal);',
    instead: "again.add(ordinal);",
  },
  {
    invariant: "4 final",
    bug: "a retry leaves what was skipped for a failure",
    file: "src/core/retry-in-place.ts",
    code: "!staysSkipped(decision, child, again)",
    instead: "false",
  },
  {
    invariant: "8 blame",
    bug: "attempts of before a retry count",
    file: "src/core/blame.ts",
    code: "return attempts.slice(Math.max(retriedAfter, progressAfter));",
    instead: "return attempts.slice(progressAfter);",
  },
  {
    invariant: "8 blame",
    bug: "failures of before the last progress count",
    file: "src/core/blame.ts",
    code: "return attempts.slice(Math.max(retriedAfter, progressAfter));",
    instead: "return attempts.slice(retriedAfter);",
  },
  {
    invariant: "8 blame",
    bug: "losses count although others were in the worker",
    file: "src/core/losses.ts",
    code: 'lostTo === "worker" && isTold && state?.status === "running" && state.holder !== undefined;',
    instead: 'lostTo === "worker" && state?.status === "running";',
  },
  {
    invariant: "3 one winner",
    bug: "whoever reports on an external task is believed",
    file: "src/core/external.ts",
    code: 'if (open?.attempt === attempt && open.token === token) return "open";',
    instead: 'if (open !== null) return "open";',
  },
  {
    invariant: "2 never stuck",
    bug: "an external task waits for ever",
    file: "src/core/run.ts",
    code: 'if (state.for === "completion") return state.expiresAt;',
    instead: 'if (state.for === "completion") return null;',
  },
  {
    invariant: "12 told once",
    bug: "the failures of one run are not told apart",
    file: "src/core/owing.ts",
    code: "notes.owe(newOwed(debt, run.owedEver, times.finishedAt));",
    instead: "notes.owe(newOwed(debt, 0, times.finishedAt));",
  },
  {
    invariant: "13 children cancelled",
    bug: "a run that is cancelled with its children leaves the first one alone",
    file: "src/core/owed.ts",
    code: "oweCancelling(decision, 0, run.children.length);",
    instead: "oweCancelling(decision, 1, run.children.length);",
  },
  {
    invariant: "5 nothing of a failed attempt",
    bug: "a payload's place in its row is always the first",
    file: "src/run/packer.ts",
    code: "const offset = this.#rowSize;",
    instead: "const offset = 0;",
  },
  {
    invariant: "5 nothing of a failed attempt",
    bug: "what was passed to one child goes to nobody",
    file: "src/core/inputs.ts",
    code: "to?.[child] ?? output",
    instead: "output",
  },
  {
    invariant: "6 payload before row",
    bug: "an accept that is made again counts as a duplicate, whose payload is discarded",
    file: "src/run/accept-again.ts",
    code: "if (run.nonce !== nonce) {",
    instead: "if (run.nonce !== nonce || true) {",
  },
  {
    invariant: "2 never stuck",
    bug: "a task whose message was lost is not announced again (7: messages may be lost)",
    file: "src/core/machine.ts",
    code: "if (state.hold === undefined) sendAgainFor(decision, ordinal, state, atWork);",
    instead:
      "if (state.hold === undefined) decision.set(ordinal, { ...state, redispatchAt: decision.now + 3_600_000 });",
  },
  {
    invariant: "8 blame",
    bug: "lost attempts count against the retries",
    file: "src/core/blame.ts",
    code: 'status === "failed" || status === "timed_out").length;',
    instead: 'status === "failed" || status === "timed_out" || status === "lost").length;',
  },
  {
    invariant: "2 never stuck",
    or: ["9 slots are conserved"],
    bug: "nobody asks after a slot that was not given back",
    file: "src/limits/limit-protocol.ts",
    code: "this.#tell(book.check(now));",
    instead: "book.check(now);",
  },
  {
    invariant: "9 slots are conserved",
    bug: "the slot of a cancelled attempt is free while it may still run",
    file: "src/core/hold.ts",
    code: "const afterMs = mayStillRun ? Math.max(0, leaseLeftMs) : 0;",
    instead: "const afterMs = 0;",
  },
  {
    invariant: "9 slots are conserved",
    bug: "one more attempt than the limit has a slot",
    file: "src/core/slot-book.ts",
    code: "this.#inUse >= this.limit",
    instead: "this.#inUse > this.limit",
  },
  {
    invariant: "2 never stuck",
    bug: "runs are told of the end of a pause again and again",
    file: "src/controls/controls-protocol.ts",
    code: "this.#store.told(run);",
    instead: "",
  },
  {
    invariant: "10 nothing is left",
    bug: "payloads are not deleted with their run",
    file: "src/run/forgetting.ts",
    code: "if (expectsObjects) await this.#around.deletePayloads(run.id, kept);",
    instead: "await Promise.resolve();",
  },
  {
    invariant: "10 nothing is left",
    bug: "the run does not note that an object of it may be in R2",
    file: "src/run/run-protocol.ts",
    code: "    this.#store.expectObjects();\n",
    instead: "",
  },
  {
    invariant: "10 nothing is left",
    bug: "a payload whose trigger died is not looked for",
    file: "src/run/forgetting.ts",
    code: "if (isFirst && !isAwaited) this.#object.alarm.set(now + ABANDONED_MS.looked);",
    instead: "",
  },
  {
    invariant: "10 nothing is left",
    bug: "an executor object keeps its order when it has settled",
    file: "src/task/executor-protocol.ts",
    code: "await this.#around.deleteAll();",
    instead: "",
  },
  {
    invariant: "listed",
    bug: "the alarm of a run that has ended does not look whether it is listed",
    file: "src/run/run-protocol.ts",
    code: "if (!this.#isRetentionOver(run) || run.graph.retentionMs < LISTED_MS.short) await this.#feed.confirm(run);",
    instead: "",
  },
  {
    invariant: "listed",
    bug: "the catalogue says that it keeps what is in its memory only",
    file: "src/catalog/catalog-protocol.ts",
    code: "if (isKept) this.#keep(summary, kept, changedAt);",
    instead: "if (isKept && kept !== null) this.#keep(summary, kept, changedAt);",
  },
  {
    invariant: "10 nothing is left",
    bug: "the catalogue does not look again for what is due later",
    file: "src/catalog/catalog-protocol.ts",
    code: "this.#alarm.set(soonest);",
    instead: "",
  },
  {
    invariant: "journal",
    bug: "the journal forgets who holds a task",
    file: "src/run/store.ts",
    code: "run.tasks.length)));",
    instead: "run.tasks.length), (key, value) => (key === 'holder' ? undefined : value)));",
  },
  {
    invariant: "15 items",
    bug: "the array is put together while items run",
    file: "src/core/decision.ts",
    code: "if (underWay(progress) > 0) continue;",
    instead: "",
  },
  {
    invariant: "15 items",
    bug: "the array has another order than the items",
    file: "src/run/run-items.ts",
    code: ".slice(from, from + PAGE_ITEMS)",
    instead: ".slice(from, from + PAGE_ITEMS).toReversed()",
  },
  {
    invariant: "15 items",
    bug: "more items are under way than may be",
    file: "src/core/each.ts",
    code: "Math.max(0, policy.maxParallel - underWay(progress))",
    instead: "Math.max(0, policy.maxParallel)",
  },
];

const folder = mkdtempSync(join(tmpdir(), "seeded-bugs-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("a bug that breaks an invariant is found by the simulation", () => {
  it.concurrent.each(BUGS)("$invariant: $bug", { timeout: 120_000 }, async (bug) => {
    const { seeds, failures } = await hunt(await bundled(bug));
    expect(failures).toHaveLength(1);
    expect([bug.invariant, ...(bug.or ?? [])], failures[0]?.violation.detail).toContain(
      failures[0]?.violation.invariant,
    );
    expect(seeds).toBeLessThanOrEqual(SEEDS);
  });

  it("by its command too, which says how to live through it again", { timeout: 120_000 }, async () => {
    const [bug] = BUGS;
    if (bug === undefined) throw new Error("there is no bug");
    const copy = join(folder, "copy");
    for (const part of PARTS) cpSync(join(ROOT, part), join(copy, part), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
    writeFileSync(join(copy, bug.file), broken(bug));
    const found = simulate(copy, "--core", "--seeds", String(SEEDS), "--json");
    expect(found.status, found.stderr).toBe(1);
    const { violation } = z
      .object({ violation: z.object({ invariant: z.string(), replay: z.string() }) })
      .parse(JSON.parse(found.stdout));
    expect(violation.invariant).toBe(bug.invariant);
    const [, flags = ""] = /^npm run simulate -- (--core --seed \d+.*)$/.exec(violation.replay) ?? [];
    const again = simulate(copy, ...flags.split(" "), "--json");
    expect(again.status, again.stderr).toBe(1);
    expect(JSON.parse(again.stdout)).toMatchObject({ violation: { invariant: bug.invariant } });
  });
});

/** The text of the file with the bug in it. */
function broken({ file, code, instead }: Bug): string {
  const text = readFileSync(join(ROOT, file), "utf8");
  expect(text.split(code), `${file} holds the code once`).toHaveLength(2);
  return text.replace(code, () => instead);
}

/** A thread of the simulation as one file, with the bug in it. */
async function bundled(bug: Bug): Promise<string> {
  const outfile = join(folder, `${bug.bug.replaceAll(/\W+/g, "-")}.mjs`);
  const contents = broken(bug);
  await build({
    entryPoints: [join(import.meta.dirname, "batch-thread.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    plugins: [
      {
        name: "bug",
        setup(esbuild) {
          esbuild.onLoad({ filter: /\.ts$/ }, ({ path }) =>
            path === join(ROOT, bug.file) ? { contents, loader: "ts" } : undefined,
          );
        },
      },
    ],
  });
  return outfile;
}

/** Lives through seeds until one breaks an invariant. */
function hunt(thread: string): Promise<Tally> {
  return new Promise((done, failed) => {
    const workerData: Share = { worker: null, from: 1, seeds: SEEDS, step: 1, limits: NO_LIMITS, forMs: Infinity };
    const worker = new Worker(thread, { workerData, execArgv: ["--no-warnings"] });
    worker.on("message", (message: number | Tally) => typeof message === "number" || done(message));
    worker.on("error", failed);
    worker.on("exit", (code) => failed(new Error(`the thread ended early with code ${code}`)));
  });
}

function simulate(copy: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const script = join(copy, "scripts/simulate.ts");
  return spawnSync(process.execPath, ["--no-warnings", script, ...args], { cwd: copy, encoding: "utf8" });
}
