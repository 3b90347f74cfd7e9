/**
 * Watches invariant 9: slots are conserved. It counts from outside what runs at a time and what starts in a window, and looks into
 * every limit object after each of its commits.
 */
import { limitOf } from "../../src/core/hold.ts";
import { LIMIT_KINDS, type LimitKind, type LimitName } from "../../src/core/limit.ts";
import { entryOf, type Run } from "../../src/core/run.ts";
import type { Lease } from "../../src/run/run-rpc.ts";
import type { Ground } from "../engine-simulation/ground/ground.ts";
import type { Invocation } from "./invocation.ts";
import type { LimitHost } from "./limit-host.ts";

const INVARIANT = "9 slots are conserved";

interface Execution {
  readonly from: Invocation;
  readonly place: string;
  /** By the wall: then another attempt may begin, whatever has become of this one. */
  readonly leaseUntil: number;
}

interface Start {
  /** By the wall. */
  readonly at: number;
  readonly now: number;
}

export class SlotChecker {
  readonly #ground: Ground;
  /** Attempts whose code runs, by limit. */
  readonly #executions = new Map<string, Set<Execution>>();
  /** Attempts that were seen to have started. */
  readonly #started = new Set<string>();
  /** When attempts were started, by limit. */
  readonly #starts = new Map<string, Map<string, Start>>();

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  /** The code of an attempt begins; call what it returns when it ends. */
  begins(run: Run | null, { runId, ordinal, attempt, gathers }: Lease, from: Invocation): () => void {
    // The items are limited, not what gathers them.
    if (gathers === true) return () => {};
    const entry = run === null ? undefined : entryOf(run, ordinal);
    const limit = entry?.task.limits?.concurrency?.limit;
    // A lease that came late gives no right to anything.
    if (run === null || entry?.state.status !== "running" || entry.state.attempt !== attempt || limit === undefined)
      return () => {};
    const name = nameOf(limitOf(run, entry, "concurrency"));
    const execution = { from, place: `${runId}/${ordinal}/${attempt}`, leaseUntil: entry.state.expiresAt };
    const executions = this.#executions.get(name) ?? new Set();
    this.#executions.set(name, executions.add(execution));
    const going = [...executions].filter((one) => one.from.alive && this.#ground.wall() < one.leaseUntil);
    if (going.length > limit)
      this.#ground.violate(
        INVARIANT,
        `${going.length} attempts of ${name} run at once, ${limit} may: ${going.map(({ place }) => place).join(", ")}`,
      );
    return () => executions.delete(execution);
  }

  /** A run after a commit: what has started. */
  observe(run: Run): void {
    if (!run.graph.tasks.some(({ limits }) => limits?.rateLimit)) return;
    const all = run.tasks.length + run.items.length;
    for (let ordinal = 0; ordinal < all; ordinal += 1) {
      const entry = entryOf(run, ordinal);
      const rate = entry?.task.limits?.rateLimit;
      if (!entry || !rate || (entry.task.each !== undefined && entry.item === undefined)) continue;
      for (const { attempt, startedAt } of entry.attempts) {
        const place = `${run.id}/${ordinal}/${attempt}`;
        if (this.#started.has(place)) continue;
        this.#started.add(place);
        const name = nameOf(limitOf(run, entry, "rate_limit"));
        const starts = this.#starts.get(name) ?? new Map<string, Start>();
        const { now } = this.#ground.scheduler;
        this.#starts.set(name, starts.set(place, { at: startedAt, now }));
        // By the clock and in truth: a clock that is set back, or ahead, makes one of them shorter.
        const within = [...starts.values()].filter(
          (start) => start.at > startedAt - rate.perMs && start.at <= startedAt && start.now > now - rate.perMs,
        );
        if (within.length > rate.limit)
          this.#ground.violate(INVARIANT, `${within.length} attempts of ${name} start within ${rate.perMs} ms`);
      }
    }
  }

  /** A limit object after a commit. */
  limit({ name, book }: LimitHost): void {
    const entries = [...book.entries];
    if (entries.length > 0 && book.inUse > book.limit)
      this.#ground.violate(INVARIANT, `${book.inUse} slots of ${nameOf(name)} are in use, there are ${book.limit}`);
    if (book.waiting > 0 && book.inUse === 0)
      this.#ground.violate(INVARIANT, `${book.waiting} attempts wait at ${nameOf(name)}, where all slots are free`);
  }

  /** The world is at rest: every slot is free, and nothing is kept of it. */
  atRest(hosts: Iterable<LimitHost>): void {
    for (const { name, book, storage } of hosts) {
      if (!book.isEmpty) this.#ground.violate(INVARIANT, `${book.inUse} slots of ${nameOf(name)} are never given back`);
      else if (!storage.isEmpty) this.#ground.violate("10 nothing is left", `the limit object of ${nameOf(name)}`);
    }
  }
}

export function nameOf({ kind, task, key }: LimitName): string {
  return `${kind}/${task}/${key ?? ""}`;
}

/** The group of a run, where limits have a key: there are two. */
export function groupOf(runId: string): Readonly<Record<LimitKind, string>> {
  const group = JSON.stringify(runId.charCodeAt(10) % 2);
  const [concurrency, rate] = LIMIT_KINDS;
  return { [concurrency]: group, [rate]: group };
}
