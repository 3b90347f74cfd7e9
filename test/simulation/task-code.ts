/** One attempt, as `executeAttempt` does it: read, run, store what is passed, and fold every way it can end into one outcome. */
import type { RunId } from "../../src/core/ids.ts";
import type { PayloadDelivery, PayloadParcel } from "../../src/core/payload-ref.ts";
import type { AwaitedRun, ChildRun } from "../../src/core/run.ts";
import type { AttemptOutcome, GatherPage, Lease, LogLine, Settlement } from "../../src/run/run-rpc.ts";
import type { Bucket } from "./bucket.ts";
import type { Checker } from "./checker.ts";
import { gatheredText, itemName, NOTHING_PASSED, passedText, stepText } from "./passed-text.ts";
import type { Ground } from "../engine-simulation/ground/ground.ts";
import { PassingError, StoreError, type Invocation } from "./invocation.ts";
import type { Behaviour } from "./pipelines.ts";
import { groupOf } from "./slot-checker.ts";

export interface TaskWorld {
  readonly ground: Ground;
  readonly bucket: Bucket;
  readonly checker: Checker;
  readonly behaviours: ReadonlyMap<string, Behaviour>;
  isRemoved(method: string): boolean;
  /** Tells the run that something is about to be put into R2. */
  expect(from: Invocation, runId: RunId): Promise<void>;
  /** The bytes of a payload that the run holds. */
  held(from: Invocation, runId: RunId, payload: PayloadDelivery & { readonly at: "held" }): Promise<Uint8Array>;
  /** Triggers a task from a task; `nth` counts the triggers of this target. Null: the trigger was refused. */
  trigger(from: Invocation, lease: Lease, target: string, nth: number, large: boolean): Promise<RunId | null>;
  /** The attempt of an external task has told somebody where to report to. */
  handOver(lease: Lease): void;
  /** Whether that run is final. */
  isFinal(from: Invocation, runId: RunId): Promise<boolean>;
  /** Whether its run tells the attempt that it is over. */
  isOver(lease: Lease): boolean;
  /** What items passed, as the run has it from this index on. */
  gather(from: Invocation, lease: Lease, index: number): Promise<GatherPage | null>;
  /** Whether the run keeps the step of this attempt. */
  recordStep(from: Invocation, lease: Lease, name: string, result: PayloadParcel): Promise<boolean>;
}

const ERROR = { name: "Error", message: "as scripted", stack: null };

/** Resolves always, within the attempt's timeout, unless its invocation dies. */
export async function executeAttempt(world: TaskWorld, from: Invocation, lease: Lease): Promise<Settlement> {
  const { ordinal, attempt, token, task } = lease;
  world.ground.tell(() => `${from.name} runs ${lease.runId} ${task}, attempt ${attempt}`);
  const children: ChildRun[] = [];
  const { failures } = from;
  let hasEnded = false;
  void reportUntil(world, from, lease, () => hasEnded);
  const ended = world.checker.begins(lease, from);
  const timedOut = from.timer(lease.timeoutMs).then((): AttemptOutcome => ({ type: "timed_out", error: ERROR }));
  const outcome =
    lease.gathers === true
      ? await gatherWithin(world, from, lease)
      : world.isRemoved(lease.method)
        ? MISSING
        : await Promise.race([outcomeOf(world, from, lease, children), timedOut]);
  ended();
  hasEnded = true;
  world.ground.tell(() => `${lease.runId} ${task}, attempt ${attempt}: ${outcome.type}`);
  if (outcome.type === "timed_out" && from.failures > failures) world.checker.hampered(lease);
  const line: LogLine = { at: world.ground.wall(), level: "info", message: `${task} ended`, fields: null };
  const logs = world.behaviours.get(task)?.logs === true ? [line] : [];
  return { ordinal, attempt, token, outcome, children, logs, logsDropped: 0 };
}

/** As the executor: what fails, or takes too long, is the surroundings' doing. */
async function gatherWithin(world: TaskWorld, from: Invocation, lease: Lease): Promise<AttemptOutcome> {
  const timedOut = from.timer(lease.timeoutMs).then((): AttemptOutcome => OVER);
  const gathered = gather(world, from, lease).catch((error: unknown): AttemptOutcome => {
    if (!(error instanceof PassingError || error instanceof StoreError))
      world.ground.violate("no throw", `${lease.runId}: ${lease.task}: ${String(error)}`);
    return OVER;
  });
  return Promise.race([gathered, timedOut]);
}

/** As `gatherItems`: what all items passed, page by page. */
async function gather(world: TaskWorld, from: Invocation, lease: Lease): Promise<AttemptOutcome> {
  const texts: string[] = [];
  for (let index: number | null = 0; index !== null;) {
    const page: GatherPage | null = await world.gather(from, lease, index);
    if (page === null) return OVER;
    for (const item of page.items) texts.push(item === null ? NOTHING_PASSED : await read(world, from, lease, item));
    index = page.next;
  }
  const text = gatheredText(lease.runId, lease.task, lease.attempt, texts);
  const key = `runs/${lease.runId}/${lease.ordinal}/${lease.attempt}-${lease.token}`;
  const stored = await storeText(
    world.bucket,
    from,
    key,
    text,
    text.length > lease.inlineLimitBytes,
    lease.inlineLimitBytes,
    () => world.expect(from, lease.runId),
  );
  return { type: "succeeded", output: { ...stored, length: texts.length }, to: null };
}

const MISSING: AttemptOutcome = {
  type: "failed",
  error: ERROR,
  retryable: false,
  retryAfterMs: null,
  reason: "method_missing",
};

async function outcomeOf(
  world: TaskWorld,
  from: Invocation,
  lease: Lease,
  children: ChildRun[],
): Promise<AttemptOutcome> {
  try {
    return await run(world, from, lease, children);
  } catch (error) {
    if (error instanceof PassingError || error instanceof StoreError)
      return { type: "lost", to: "surroundings", error: { ...ERROR, message: error.message } };
    world.ground.violate("no throw", `${lease.runId}: ${lease.task}: ${String(error)}`);
    return { type: "failed", error: ERROR, retryable: false, retryAfterMs: null, reason: "error" };
  }
}

async function run(world: TaskWorld, from: Invocation, lease: Lease, children: ChildRun[]): Promise<AttemptOutcome> {
  const behaviour = world.behaviours.get(lease.task);
  if (behaviour === undefined) return MISSING;
  world.checker.started(lease);
  const { throws, deaths } = world.checker.history(lease);
  const startedAt = world.ground.wall();
  const texts = new Map<string, string>();
  for (const { parent, payload } of lease.inputs) texts.set(parent, await read(world, from, lease, payload));
  world.checker.read(lease, texts);
  for (let nth = 0; nth < behaviour.steps; nth += 1) {
    const isKept = await step(world, from, lease, `step ${nth}`, behaviour);
    if (!isKept) return OVER;
  }
  if (await isToldWhile(world, from, lease, behaviour.workMs)) return OVER;
  const made = new Map<string, number>();
  for (const { task, large } of behaviour.triggers) {
    const nth = made.get(task) ?? 0;
    made.set(task, nth + 1);
    const runId = await world.trigger(from, lease, task, nth, large);
    if (runId === null) continue;
    children.push({ runId, task });
    if (behaviour.awaitsMs === null) continue;
    const awaits = await awaitRun(world, from, lease, { runId, task }, behaviour.awaitsMs, startedAt);
    if (awaits !== null) return { type: "suspended", awaits };
  }
  if (deaths < behaviour.kills) from.kill(`${lease.task} takes its worker down`);
  if (lease.completion !== undefined) world.handOver(lease);
  await from.pause(0);
  if (throws < behaviour.throws) return thrown(behaviour);
  if (lease.completion !== undefined) return { type: "waiting" };
  const to =
    behaviour.passesTo !== null && lease.children.includes(behaviour.passesTo)
      ? { [behaviour.passesTo]: await parcel(world, from, lease, behaviour.passesTo) }
      : null;
  const chosen = behaviour.chooses === null ? {} : { chosen: behaviour.chooses };
  const groups = (lease.limited ?? []).map(({ child }) => [child, groupOf(lease.runId)] as const);
  const limitKeys = groups.length === 0 ? {} : { limitKeys: Object.fromEntries(groups) };
  return { type: "succeeded", output: await parcel(world, from, lease, ""), to, ...chosen, ...limitKeys };
}

/** Says that the attempt lives, as `ReportChannel` does, less often, until it has ended or its invocation has died. */
async function reportUntil(world: TaskWorld, from: Invocation, lease: Lease, hasEnded: () => boolean): Promise<void> {
  if (lease.timeoutMs > 25_000) return;
  await from.timer(1_000);
  while (!hasEnded()) {
    world.isOver(lease);
    await from.timer(2_000);
  }
}

/** Works for so long, and asks meanwhile as `ReportChannel` does, less often. True: it was told that it is over. */
async function isToldWhile(world: TaskWorld, from: Invocation, lease: Lease, ms: number): Promise<boolean> {
  const { promise: told, resolve } = Promise.withResolvers<boolean>();
  let isWorking = true;
  const ask = async (): Promise<void> => {
    for (let passed = 1_000; passed < ms; passed *= 2) {
      await from.timer(passed === 1_000 ? passed : passed / 2);
      if (!isWorking) return;
      if (world.isOver(lease)) return resolve(true);
    }
  };
  void ask();
  const isTold = await Promise.race([told, from.pause(ms).then(() => false)]);
  isWorking = false;
  return isTold;
}

/** As `AttemptSteps`. False: the attempt is over. */
async function step(
  world: TaskWorld,
  from: Invocation,
  lease: Lease,
  name: string,
  { stepsLarge, workMs }: Behaviour,
): Promise<boolean> {
  const known = lease.steps?.find((candidate) => candidate.name === name);
  if (known !== undefined) {
    world.checker.stepRead(lease, name, await read(world, from, lease, known.payload));
    return true;
  }
  world.checker.stepBegins(lease, name);
  await from.pause(workMs / 10);
  const { runId, ordinal, attempt, token, inlineLimitBytes } = lease;
  const key = `runs/${runId}/${ordinal}/${attempt}-${token}/${name}`;
  const text = stepText(lease, name);
  const result = await storeText(world.bucket, from, key, text, stepsLarge, inlineLimitBytes, () =>
    world.expect(from, runId),
  );
  return world.recordStep(from, lease, name, result);
}

/** As `AttemptWaits`: null if the run is final or the wait is over, else what the task is suspended for. */
async function awaitRun(
  world: TaskWorld,
  from: Invocation,
  lease: Lease,
  { runId, task }: ChildRun,
  timeoutMs: number,
  startedAt: number,
): Promise<readonly AwaitedRun[] | null> {
  const call = `${runId}/0`;
  const now = world.ground.wall();
  const until = lease.waits?.[call] ?? now + timeoutMs;
  const leftMs = Math.max(0, until - now);
  const attemptLeftMs = Math.min(lease.timeoutMs, Math.max(0, startedAt + lease.timeoutMs - now));
  const inPlaceMs = Math.min(leftMs, 5_000, attemptLeftMs / 4);
  if (await world.isFinal(from, runId)) return null;
  await from.pause(inPlaceMs);
  if ((await world.isFinal(from, runId)) || leftMs <= inPlaceMs) return null;
  return [{ runId, task, call, until }];
}

/** An attempt whose lease is over: what it comes to changes nothing. */
const OVER: AttemptOutcome = { type: "lost", to: "surroundings", error: ERROR };

async function thrown({ how }: Behaviour): Promise<AttemptOutcome> {
  if (how === "hang") await new Promise<never>(() => {});
  return {
    type: "failed",
    error: ERROR,
    retryable: how !== "non_retryable",
    retryAfterMs: how === "retry_after" ? 3_000 : null,
    reason: "error",
  };
}

async function read(world: TaskWorld, from: Invocation, lease: Lease, payload: PayloadDelivery): Promise<string> {
  switch (payload.at) {
    case "inline":
      return new TextDecoder().decode(payload.bytes);
    case "held":
      return new TextDecoder().decode(await world.held(from, lease.runId, payload));
    case "r2": {
      const bytes = await world.bucket.get(from, payload.key);
      if (bytes === null) world.checker.missing(lease, payload.key);
      return new TextDecoder().decode(bytes ?? new Uint8Array(0));
    }
  }
}

/** As `attemptPayloadKey`: every attempt writes keys of its own. */
async function parcel(world: TaskWorld, from: Invocation, lease: Lease, to: string): Promise<PayloadParcel> {
  const { item, task } = lease;
  const text = passedText(lease.runId, item === undefined ? task : itemName(task, item.index), lease.attempt, to);
  const key = `runs/${lease.runId}/${lease.ordinal}/${lease.attempt}-${lease.token}${to === "" ? "" : `/${to}`}`;
  const behaviour = world.behaviours.get(lease.task);
  const stored = await storeText(
    world.bucket,
    from,
    key,
    text,
    behaviour?.passesLarge === true,
    lease.inlineLimitBytes,
    () => world.expect(from, lease.runId),
  );
  const length = behaviour?.passesItems ?? null;
  return length === null ? stored : { ...stored, length };
}

/** As `parcelPayload`: what is above the limit is in R2 before anything names it. */
export async function storeText(
  bucket: Bucket,
  from: Invocation,
  key: string,
  text: string,
  large: boolean,
  inlineLimitBytes: number,
  beforePut: () => Promise<void>,
): Promise<PayloadParcel> {
  const bytes = new TextEncoder().encode(large ? text.padEnd(inlineLimitBytes + 1, "x") : text);
  const description = { kind: "text", contentType: "text/plain", size: bytes.length } as const;
  if (!large) return { ...description, at: "inline", bytes };
  await beforePut();
  await bucket.put(from, key, bytes);
  return { ...description, at: "r2", key };
}
