/**
 * The methods of the simulated pipelines. They do what an author's code might do, by their behaviour, through the real
 * helpers.
 */
import type { Behaviour } from "./behaviour.ts";
import { Dice } from "../../src/testing/ground/dice.ts";
import type { AttemptNote, Ledger } from "./ledger.ts";
import { carriedIn, groupOf, madeBy, padded, placeName, stepText, type Carried } from "./payloads.ts";
import type { Methods, Rig } from "../../src/testing/platform/rig.ts";

/** What the helpers give to a task, as far as these methods use it. */
export interface TaskApi {
  readonly name: string;
  readonly runId: string;
  readonly attempt: number;
  readonly item: { readonly index: number; readonly total: number } | null;
  readonly signal: AbortSignal;
  readonly completionUrl: string;
  readonly log: { info(message: string): void };
  step<T>(name: string, fn: () => T | Promise<T>): Promise<T>;
  triggerTaskWithEvent(
    task: string,
    payload: unknown,
    options?: { readonly idempotencyKey: string },
  ): Promise<{
    readonly runId: string;
    readonly deduplicated: boolean;
    result(options: { readonly timeout: number }): Promise<unknown>;
    output(task: string | undefined, options: { readonly timeout: number }): Promise<unknown>;
  }>;
  emitEvent(name: string, payload: unknown): Promise<unknown>;
  passToChildTask(data: unknown, options?: { readonly to: string }): void;
  runOnlyChildTasks(...names: readonly string[]): void;
  progress(fraction: number): void;
}

export interface MethodWorld {
  readonly rig: () => Rig;
  readonly ledger: Ledger;
  readonly behaviours: ReadonlyMap<string, Behaviour>;
  isExternal(task: string): boolean;
  /** A task's code begins with what it reads. */
  reads(task: TaskApi, payload: unknown, note: AttemptNote): void;
  /** The attempt of an external task has told somebody where to report to. */
  handedOver(task: TaskApi, behaviour: Behaviour): void;
  /** A task takes its isolate down. */
  killed(): void;
  /** A step was given back, or done. */
  stepRead(task: TaskApi, name: string, text: unknown): void;
  violate(invariant: string, detail: string): void;
}

/** Work that takes longer is told when nobody wants it any more. */
const LONG_MS = 1_500;

class Scripted extends Error {}

class RetryAfter extends Error {
  override readonly name = "RetryAfterError";
  readonly retryAfterMs = 3_000;
}

class NonRetryable extends Error {
  override readonly name = "NonRetryableError";
}

/** Methods by the names of these tasks. */
export function methodsOf(world: MethodWorld, tasks: readonly string[]): Methods {
  return Object.fromEntries(
    tasks.map((name) => [name, (payload: unknown, task: unknown) => run(world, payload, apiOf(task))]),
  );
}

/** The one mapping of what a method is given. */
function apiOf(task: unknown): TaskApi {
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return task as TaskApi;
}

async function run(world: MethodWorld, payload: unknown, task: TaskApi): Promise<unknown> {
  const { platform } = world.rig();
  const behaviour = world.behaviours.get(task.name);
  const life = platform.current;
  if (behaviour === undefined || life === null) throw new Error(`nobody runs ${task.name}`);
  const item = task.item?.index ?? null;
  const note: AttemptNote = {
    runId: task.runId,
    task: task.name,
    item,
    attempt: task.attempt,
    life,
    begunAt: platform.ground.scheduler.now,
    end: "running",
    endedAt: null,
    isTold: false,
    died: false,
    wasAlone: false,
    stumbledAt: null,
    retryable: true,
    triggered: [],
    skipped: [],
    chose: world.isExternal(task.name) ? null : behaviour.chooses,
    group: carriedIn(payload)?.group ?? null,
  };
  world.ledger.begin(note);
  platform.ground.tell(
    () => `${life.name} runs ${placeName(task.name, item)} of ${task.runId}, attempt ${task.attempt}`,
  );
  const content = carriedIn(payload)?.content;
  if (content !== undefined) world.ledger.processed.add(content);
  world.reads(task, payload, note);
  if (behaviour.workMs > LONG_MS)
    task.signal.addEventListener("abort", () => {
      note.isTold = true;
    });
  try {
    const passed = await script(world, task, behaviour, note);
    world.ledger.ended(note, "returned", platform.ground.scheduler.now);
    return passed;
  } catch (error) {
    const isOwn = error instanceof Scripted || error instanceof RetryAfter || error instanceof NonRetryable;
    world.ledger.ended(note, isOwn ? "threw" : task.signal.aborted ? "told" : "lost", platform.ground.scheduler.now);
    throw error;
  }
}

async function script(world: MethodWorld, task: TaskApi, behaviour: Behaviour, note: AttemptNote): Promise<unknown> {
  const rig = world.rig();
  const place = placeName(task.name, note.item);
  const { ledger } = world;
  for (let nth = 0; nth < behaviour.steps; nth += 1) {
    stumble(world, behaviour, note, nth);
    await step(world, task, behaviour, place, `step ${nth}`);
  }
  if (behaviour.logs) task.log.info(`${place} works`);
  if (behaviour.workMs > 0) await rig.wait(behaviour.workMs);
  if (behaviour.emits !== null) await task.emitEvent(behaviour.emits, carried(`${task.runId}/${place}/event`, false));
  await trigger(world, task, behaviour, note, place);
  const earlier = ledger.of(task.runId, task.name, note.item);
  const kills = (): boolean => killsHere && earlier.filter(({ end }) => end === "killed").length < behaviour.kills;
  const killsHere = behaviour.killsItem === null || note.item === null || note.item === behaviour.killsItem;
  if (!behaviour.killsLate && kills()) await kill(world, task, note, place);
  if (behaviour.reports !== null && world.isExternal(task.name)) world.handedOver(task, behaviour);
  if (behaviour.killsLate && kills()) await kill(world, task, note, place);
  const threw = earlier.filter(({ end, stumbledAt }) => (end === "threw" && stumbledAt === null) || end === "hangs");
  if (threw.length < behaviour.throws) {
    if (behaviour.how === "hang") {
      ledger.ended(note, "hangs", rig.platform.ground.scheduler.now);
      await new Promise<never>(() => {});
    }
    note.retryable = behaviour.how !== "non_retryable";
    throw errorOf(behaviour);
  }
  if (behaviour.chooses !== null && !world.isExternal(task.name)) choose(task, behaviour.chooses, note);
  const { passesTo, passesLarge, passesItems } = behaviour;
  if (passesTo !== null && !world.isExternal(task.name) && note.item === null) passOn(task, passesTo, place, behaviour);
  const by = madeBy(task.runId, place, task.attempt, "");
  if (passesItems === null || note.item !== null) {
    const passed = padded({ by, group: groupOf(`${task.runId}/${place}`) }, passesLarge);
    return behaviour.passesLength === undefined ? passed : { ...passed, pad: "x".repeat(behaviour.passesLength) };
  }
  return Array.from({ length: passesItems }, (_, index) =>
    padded({ by: `${by}[${index}]`, group: groupOf(`${task.runId}/${place}/${index}`) }, passesLarge && index === 0),
  );
}

/** The attempt takes down what it runs in. */
function kill(world: MethodWorld, task: TaskApi, note: AttemptNote, place: string): Promise<never> {
  const { platform } = world.rig();
  world.ledger.ended(note, "killed", platform.ground.scheduler.now);
  world.killed();
  platform.ground.tell(() => `${place} of ${task.runId} takes ${note.life.isolate.name} down`);
  note.life.isolate.crash();
  return new Promise<never>(() => {});
}

function choose(task: TaskApi, children: readonly string[], note: AttemptNote): void {
  try {
    task.runOnlyChildTasks(...children);
  } catch (error) {
    // One of them is not in this run's graph: then none is chosen.
    if (!String(error).includes("no downstream task")) throw error;
    note.chose = null;
  }
}

function passOn(task: TaskApi, child: string, place: string, { passesLarge }: Behaviour): void {
  const by = madeBy(task.runId, place, task.attempt, child);
  try {
    task.passToChildTask(padded({ by, group: groupOf(`${task.runId}/${place}/to`) }, passesLarge), { to: child });
  } catch (error) {
    // The child is not in this run's graph.
    if (!String(error).includes("no downstream task")) throw error;
  }
}

function errorOf({ how }: Behaviour): Error {
  if (how === "retry_after") return new RetryAfter("as scripted");
  if (how === "non_retryable") return new NonRetryable("as scripted");
  return new Scripted("as scripted");
}

/** Throws if this step is not done, and has not been stumbled at often enough. */
function stumble({ ledger }: MethodWorld, { stumbles = 0 }: Behaviour, note: AttemptNote, nth: number): void {
  const { runId, task, item } = note;
  const before = ledger.of(runId, task, item).filter(({ stumbledAt }) => stumbledAt === nth).length;
  const isDone = ledger.steps.has(`${runId}/${placeName(task, item)}/step ${nth}`);
  if (isDone || before >= stumbles) return;
  note.stumbledAt = nth;
  throw new Scripted("as scripted");
}

async function step(
  world: MethodWorld,
  task: TaskApi,
  { stepsLarge, workMs }: Behaviour,
  place: string,
  name: string,
): Promise<void> {
  const text = stepText(task.runId, place, name, task.attempt);
  const result = await task.step(name, async () => {
    await world.rig().wait(workMs / 10);
    return stepsLarge ? text.padEnd(500, "x") : text;
  });
  world.stepRead(task, name, result);
}

/** Triggers what there is to trigger, in an order of this attempt's own. */
async function trigger(
  world: MethodWorld,
  task: TaskApi,
  behaviour: Behaviour,
  note: AttemptNote,
  place: string,
): Promise<void> {
  const contents = behaviour.triggers.map(({ task: target, large, key, isFresh }, nth) => ({
    target,
    large,
    key,
    content: `${task.runId}/${place}/content ${nth}${isFresh === true ? ` of attempt ${task.attempt}` : ""}`,
  }));
  const order = new Dice(0).fork(`${task.runId}/${place}/${task.attempt}`);
  const started: Awaited<ReturnType<TaskApi["triggerTaskWithEvent"]>>[] = [];
  for (const { target, large, content, key } of shuffled(contents, order)) {
    if (behaviour.sweeps && world.ledger.processed.has(content)) {
      note.skipped.push(content);
      continue;
    }
    if (behaviour.unawaited && world.isExternal(task.name)) {
      // Whoever completes it does not wait for what its method has not awaited: only what was answered is there for sure.
      const answered = (): number => note.triggered.push({ content, task: target });
      task.triggerTaskWithEvent(target, carried(content, large)).then(answered, () => undefined);
      continue;
    }
    note.triggered.push({ content, task: target });
    const triggered = task.triggerTaskWithEvent(
      target,
      carried(content, large),
      key === undefined ? undefined : { idempotencyKey: key },
    );
    if (behaviour.unawaited) {
      // The author's code does not wait for it, and lives with what was refused.
      triggered.catch(() =>
        note.triggered.splice(
          note.triggered.findIndex((one) => one.content === content),
          1,
        ),
      );
      continue;
    }
    const run = await triggered;
    if (behaviour.awaitsMs === null) continue;
    if (behaviour.awaitsAll === null) await ended(world, task, run.runId, run.result({ timeout: behaviour.awaitsMs }));
    else started.push(run);
  }
  const timeout = behaviour.awaitsMs ?? 0;
  await Promise.all(
    started.map(async (run) => {
      if (behaviour.awaitsAll === "result") {
        await ended(world, task, run.runId, run.result({ timeout }));
        return;
      }
      const passed = carriedIn(await ended(world, task, run.runId, run.output(undefined, { timeout })));
      if (passed !== null && !passed.by.startsWith(`${run.runId} `))
        world.violate("5 nothing of a failed attempt", `${task.runId}: ${run.runId} has passed "${passed.by}"`);
    }),
  );
}

/** What the run came to; undefined if it failed, has not ended in time, or is no more. */
function ended<T>(world: MethodWorld, task: TaskApi, runId: string, wait: Promise<T>): Promise<T | undefined> {
  return wait.catch((error: unknown) => {
    const [, over] =
      /^(ResultTimeout|TaskNotSucceeded|RunGone)Error$/.exec(error instanceof Error ? error.name : "") ?? [];
    if (over === undefined || task.signal.aborted) throw error;
    if (over === "RunGone" && world.rig().edge.host("RunObject", runId).storage.tables.has("journal"))
      world.violate("1 accepted is durable", `${task.runId} is told that ${runId} is gone, which is there`);
    return undefined;
  });
}

function carried(content: string, large: boolean): Carried {
  return padded({ by: content, group: groupOf(content), content }, large);
}

function shuffled<T>(list: readonly T[], dice: Dice): T[] {
  return list
    .map((one) => ({ one, at: dice.next() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ one }) => one);
}
