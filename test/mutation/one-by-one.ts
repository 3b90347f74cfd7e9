/**
 * Runs each test as it is, and then again with each change that it has reached, one after the other in the same runtime (see
 * scripts/mutate/mutants.ts). What came of it goes with the test to the reporter.
 *
 * A change that a test has noticed is not tried by the tests after it. A failure may leave something behind, so the test is run without
 * any change after it: if it fails then, the rest of the file is left to another runtime.
 */
import { afterEach, beforeEach, inject, vi } from "vitest";

interface Switch {
  /** The change that is switched on. */
  active: string | null;
  reached: Set<string>;
  /** How often the one that is switched on was come by. */
  hits: number;
}

/** What one test has come to, as the reporter reads it. */
interface Tried {
  reached: string[];
  noticed: string[];
  /** Reached, and left to another run: there was no time for them, or something was left behind. */
  untried: string[];
  /** It fails without any change: from the beginning, or since a change made it fail. */
  fails?: "always" | "afterwards";
}

declare module "vitest" {
  interface ProvidedContext {
    /** Changes to be tried, by name. */
    readonly mutants: readonly string[];
    /** What earlier runs have left to a test, by its id. A test that is not in it tries all that it reaches. */
    readonly untried: Readonly<Record<string, readonly string[]>>;
  }
  interface TaskMeta {
    tried?: Tried;
  }
}

declare global {
  var mutation$: Switch | undefined;
}

/** How long a test waits at most for what a change may keep from coming. Milliseconds. */
const PATIENCE_MS = 1_500;
/** How long all changes of one test may take together in one run. Milliseconds. */
const MOST_MS = 20_000;

/** Of the workers pool: what objects keep is gone, in memory and stored. In plain Node there is no such module. */
const POOL: string = "cloudflare:test";
const forget: () => Promise<void> = await import(/* @vite-ignore */ POOL).then(
  (pool: { reset(): Promise<void> }) => () => pool.reset(),
  () => async () => undefined,
);

const wanted = new Set(inject("mutants"));
const untried = inject("untried");
const noticed = new Set<string>();
const mutation = (globalThis.mutation$ ??= { active: null, reached: new Set(), hits: 0 });
let left: string[] = [];
let state: "as it is" | "changed" | "again as it is" = "as it is";
let isSpoilt = false;
let begunAt = 0;

const waitFor: typeof vi.waitFor = vi.waitFor.bind(vi);
Object.assign(vi, {
  waitFor(callback: Parameters<typeof waitFor>[0], options: Parameters<typeof waitFor>[1]) {
    if (state !== "changed") return waitFor(callback, options);
    const given = typeof options === "number" ? { timeout: options } : options;
    return waitFor(callback, { ...given, timeout: PATIENCE_MS });
  },
});

beforeEach(async ({ task, skip, annotate }) => {
  if (isSpoilt) skip();
  if ((task.result?.repeatCount ?? 0) === 0) {
    if (untried[task.id]?.every((name) => !wanted.has(name) || noticed.has(name)) ?? false) skip();
    state = "as it is";
    mutation.reached.clear();
    begunAt = performance.now();
    return;
  }
  if (state === "changed" && task.meta.tried?.noticed.at(-1) === mutation.active) {
    state = "again as it is";
    await annotate(mutation.active ?? "", "noticed");
    mutation.active = null;
    await forget();
    return;
  }
  const next = left.find((name) => !noticed.has(name));
  if (next === undefined || performance.now() - begunAt > MOST_MS) return skip();
  left = left.slice(left.indexOf(next) + 1);
  // Told before it begins: a change may be one with which the test has no end.
  await annotate(next, "trying");
  mutation.active = next;
  mutation.hits = 0;
  state = "changed";
});

afterEach(({ task }) => {
  const { active } = mutation;
  const hasFailed = task.result?.state === "fail";
  const tried = (task.meta.tried ??= { reached: [], noticed: [], untried: [] });
  if (state === "as it is") {
    tried.reached = hasFailed ? [] : [...mutation.reached].filter((name) => wanted.has(name));
    const mine = untried[task.id] ?? tried.reached;
    left = tried.reached.filter((name) => mine.includes(name) && !noticed.has(name));
    if (hasFailed) tried.fails = "always";
  } else if (state === "again as it is") {
    if (hasFailed) tried.fails = "afterwards";
    isSpoilt = hasFailed;
  } else if (active !== null && hasFailed) {
    noticed.add(active);
    tried.noticed.push(active);
  }
  tried.untried = left.filter((name) => !noticed.has(name));
  if (!hasFailed) mutation.active = null;
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});
