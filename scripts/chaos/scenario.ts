/**
 * The scenario: load, until every trigger is accepted; drain, until every run is final; retention,
 * until every run is deleted. Each phase has its kills at planned moments. Stops everything it has
 * started.
 */
import { join } from "node:path";
import { Approver } from "./approver.ts";
import { Client } from "./client.ts";
import { Prng } from "./prng.ts";
import { Follower } from "./follower.ts";
import type { Report } from "./history.ts";
import { planKills, type Phase, type PlannedKill } from "./killer.ts";
import { drawItems, Load, type Item } from "./load.ts";
import { objectsThatHold, payloadsOfRuns, runsWithAlarm } from "./object-state.ts";
import { Poison } from "./poison.ts";
import { Recorder } from "./recorder.ts";
import type { Outcome } from "./report.ts";
import { RuntimeFixture } from "./fixture.ts";
import { violationsOf } from "./checks.ts";
import { versionsOfConf } from "./versions.ts";

const POLL_MS = 100;
const PROGRESS_MS = 5_000;
/** Time for background work that no answer waits for, such as deleting a duplicate payload. */
const TIDY_LIMIT_MS = 10_000;
/**
 * A run reports its end to the list by its alarm: within a lease of these tasks and a minute, after
 * the last start.
 */
const LISTING_LIMIT_MS = 75_000;
/**
 * The largest delay of the last deletion: a child run checks a minute later whether its parent has
 * ended.
 */
const DELETION_LIMIT_MS = 120_000;

export interface ChaosOptions {
  readonly runs: number;
  readonly kills: number;
  readonly seed: number;
  readonly seconds: number;
  /** Runs with an item that kills the runtime. */
  readonly poisons: number;
  /** Folder for the runtime's state and the recorded reports. */
  readonly folder: string;
  readonly onProgress: (text: string) => void;
}

interface ScenarioContext {
  readonly fixture: RuntimeFixture;
  readonly follower: Follower;
  readonly load: Load;
  readonly plan: readonly PlannedKill[];
  readonly limit: AbortSignal;
}

/** Runs the scenario, to its end or until the time is up, and checks the history. */
export async function runChaos(options: ChaosOptions): Promise<Outcome> {
  const startedAt = Date.now();
  const limit = AbortSignal.timeout(options.seconds * 1_000);
  let hear: (report: Report) => void = () => {};
  const recorder = await Recorder.start(join(options.folder, "reports.ndjson"), (report) =>
    hear(report),
  );
  const killedAt: number[] = [];
  const fixture = await RuntimeFixture.start({
    confPaths: versionsOfConf(options.folder),
    pipelinesDir: join(import.meta.dirname, "pipelines"),
    persistTo: join(options.folder, "state"),
    env: { RECORDER_URL: recorder.url },
    signal: limit,
    onOutput: () => {},
    onKilled: async () => {
      // Reports sent by the dead runtime came before the kill.
      await recorder.drained();
      killedAt.push(recorder.reports.length);
    },
  });
  const client = new Client(fixture, limit);
  const position = (): number => recorder.reports.length;
  const follower = new Follower({ fixture, client, position, signal: limit });
  const approver = new Approver({ fixture, client, recorder, signal: limit });
  hear = (report) => {
    follower.heard(report);
    if (report.event === "asked") approver.asked(report);
    if (report.event === "poison") poison.strikes();
  };
  const prng = new Prng(options.seed);
  const poison = new Poison(fixture, prng, limit);
  const items = drawItems(prng, options.seed, options.runs, options.poisons);
  const plan = planKills(prng, options.kills, options.runs);
  const load = new Load({
    fixture: { untilUp: () => fixture.untilUp(), readyAt: () => fixture.readyAt },
    client,
    follower,
    signal: limit,
  });
  const progress = setInterval(() => {
    const counts = `accepted ${load.accepted}, open ${follower.open}, final ${follower.final}, deleted ${follower.deleted}`;
    options.onProgress(
      `${Math.round((Date.now() - startedAt) / 1_000)} s: ${counts}, kills ${fixture.kills.length}`,
    );
  }, PROGRESS_MS);
  try {
    let wronglyListed: readonly string[] = [];
    const drained = await carryThrough(
      { fixture, follower, load, plan, limit },
      items,
      async () => {
        wronglyListed = await wronglyListedOf(client, follower, fixture);
      },
    );
    const leftovers = limit.aborted ? [] : await objectsLeft(join(options.folder, "state"));
    const deadLetters = limit.aborted ? [] : await client.deadLetters();
    await follower.end();
    await approver.end();
    await fixture.end();
    const history = {
      reports: recorder.reports,
      runs: follower.runs(fixture.kills.map(({ at }) => at)),
      killedAt,
      keyed: new Set(items.flatMap(({ name, key }) => (key === null ? [] : [name]))),
      leftovers,
      alarms: runsWithAlarm(join(options.folder, "state")),
      // While runs exist, their state does too.
      heldState:
        follower.deleted === follower.final ? objectsThatHold(join(options.folder, "state")) : [],
      wronglyListed,
      refusals: [...load.refusals, ...approver.refusals, ...poison.faults],
    };
    return {
      seed: options.seed,
      history,
      violations: violationsOf(history),
      kills: fixture.kills,
      load,
      tookMs: Date.now() - startedAt,
      lastFinalAfterMs: drained,
      quiet: follower.quiet.length,
      deadLetters,
      gaveUp: limit.aborted,
    };
  } finally {
    clearInterval(progress);
    await fixture.end();
    await recorder.close();
  }
}

/** Returns the time from the last start to the end of the last run; null if a run did not end. */
async function carryThrough(
  context: ScenarioContext,
  items: readonly Item[],
  onDrained: () => Promise<void>,
): Promise<number | null> {
  const { fixture, follower, load, limit } = context;
  let isSent = false;
  const sending = load.send(items).then(() => void (isSent = true));
  // Earlier than planned if nothing more is accepted before: each lane may have met a task of the
  // other version.
  const isDue = ({ afterAccepted }: PlannedKill): boolean =>
    load.accepted >= afterAccepted || load.isWaitingForDeploy;
  await killIn("load", context, (kill) => isDue(kill) || isSent);
  for (;;) {
    await until(() => isSent || load.isWaitingForDeploy, Number.POSITIVE_INFINITY, limit);
    if (isSent || limit.aborted) break;
    // Some tasks are in one version only, and the last planned kill may have deployed the other
    // one.
    await fixture.killAndRestart("plan");
  }
  await Promise.race([sending, ended(limit)]);

  await killIn("drain", context, () => true);
  await until(() => follower.open === 0, Number.POSITIVE_INFINITY, limit);
  if (limit.aborted) return null;
  const lastFinalAfterMs = Math.max(0, follower.lastFinalAt - fixture.readyAt);

  await onDrained();

  await killIn("retention", context, () => true);
  const lastDeletionAt = Math.max(follower.lastFinalAt + fixture.retentionMs, fixture.readyAt);
  await until(() => follower.deleted === follower.final, lastDeletionAt + DELETION_LIMIT_MS, limit);
  return lastFinalAfterMs;
}

/**
 * Runs with a wrong status in the list. Polls until there is none, or until the time for reporting
 * is over.
 */
async function wronglyListedOf(
  client: Client,
  follower: Follower,
  fixture: RuntimeFixture,
): Promise<readonly string[]> {
  const end = Date.now() + LISTING_LIMIT_MS;
  for (;;) {
    const statuses = await client.listed();
    const wrong = follower.runs([]).flatMap(({ runId, final }) => {
      const finishedAt = Date.parse(final?.document.finished_at ?? "");
      // After this time, the run is not listed any more.
      const isDue =
        Number.isNaN(finishedAt) || finishedAt + fixture.retentionMs < Date.now() + TIDY_LIMIT_MS;
      const status = final?.document.status;
      if (isDue || statuses.get(runId) === status) return [];
      return [`${runId} is ${status}, and listed as ${statuses.get(runId) ?? "nothing"}`];
    });
    if (wrong.length === 0 || Date.now() > end) return wrong;
    await new Promise((wake) => setTimeout(wake, 10 * POLL_MS));
  }
}

async function killIn(
  phase: Phase,
  context: ScenarioContext,
  isDue: (kill: PlannedKill) => boolean,
): Promise<void> {
  for (const kill of context.plan.filter((planned) => planned.phase === phase)) {
    await until(() => isDue(kill), Number.POSITIVE_INFINITY, context.limit);
    await new Promise((wake) => setTimeout(wake, kill.delayMs));
    if (context.limit.aborted) return;
    await context.fixture.killAndRestart("plan");
  }
}

/** Objects left in the payload bucket after background deletions. */
async function objectsLeft(stateFolder: string): Promise<readonly string[]> {
  const end = Date.now() + TIDY_LIMIT_MS;
  for (;;) {
    const objects = payloadsOfRuns(stateFolder);
    if (objects.length === 0 || Date.now() > end) return objects;
    await new Promise((wake) => setTimeout(wake, 10 * POLL_MS));
  }
}

async function until(condition: () => boolean, endAt: number, limit: AbortSignal): Promise<void> {
  while (!condition() && Date.now() < endAt && !limit.aborted)
    await new Promise((wake) => setTimeout(wake, POLL_MS));
}

function ended(limit: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (limit.aborted) resolve();
    limit.addEventListener("abort", () => resolve(), { once: true });
  });
}
