/**
 * Checks invariants 5 and 6: a task reads all that the accepted attempts of its upstream tasks have passed, and nothing
 * else.
 */
import type { TaskPlan } from "../../../src/domain/plan/plan.ts";
import type { Ground } from "../../../src/testing/ground/ground.ts";
import { carriedIn, madeBy, placeName } from "../payloads.ts";
import { isOver, type Seen } from "../watcher.ts";
import { acceptedOf, taskOf } from "./order-check.ts";

const INVARIANT = "5 nothing of a failed attempt";

export class ReadsCheck {
  readonly #ground: Ground;
  readonly #planOf: (task: string, version: string) => TaskPlan | undefined;
  readonly #passesTo: (task: string) => string | null;

  /** `planOf`: what peach.conf of this version says of a task. `passesTo`: the child that gets something of its own of it. */
  constructor(
    ground: Ground,
    planOf: (task: string, version: string) => TaskPlan | undefined,
    passesTo: (task: string) => string | null,
  ) {
    this.#ground = ground;
    this.#planOf = planOf;
    this.#passesTo = passesTo;
  }

  /** The code of a task, or of the item of this index, begins with this payload. */
  reads(seen: Seen, task: string, item: number | null, payload: unknown): void {
    // An attempt of before a retry reads what was passed then; a replay reads what was recorded elsewhere.
    if (seen.retries > 0 || seen.run.trigger.source === "replay") return;
    const plan = this.#planOf(task, seen.run.conf_version);
    const document = taskOf(seen.run, task);
    if (plan === undefined || document === undefined || document.upstream.length === 0) return;
    if (plan.upstream.length === 1) {
      const [parent = ""] = plan.upstream;
      const [index, isOfArray] = [item, plan.each !== null];
      this.#passed(seen, task, parent, payload, isOfArray ? index : null);
      return;
    }
    const values = new Map(typeof payload === "object" && payload !== null ? Object.entries(payload) : []);
    for (const parent of plan.upstream) this.#passed(seen, task, parent, values.get(parent), null);
  }

  #passed(seen: Seen, task: string, parent: string, got: unknown, item: number | null): void {
    const passing = taskOf(seen.run, parent);
    const say = (want: string): void =>
      this.#ground.violate(
        INVARIANT,
        `${seen.runId}: ${placeName(task, item)} reads ${shown(got)} from ${parent}, where ${want} was passed`,
      );
    if (passing === undefined || passing.status !== "succeeded") {
      if (passing !== undefined && !isOver(passing.status)) return;
      if (got !== undefined && passing !== undefined) say("nothing");
      return;
    }
    const isMapped = this.#planOf(parent, seen.run.conf_version)?.each !== null;
    // Of no items: what was read is passed.
    if (isMapped && (passing.each?.total ?? 0) === 0) return;
    if (isMapped && item === null) return this.#gathered(seen, parent, passing.each?.total ?? 0, got, say);
    const accepted = acceptedOf(passing) ?? 0;
    const place = isMapped ? placeName(parent, item) : parent;
    // The URL of an attempt that was lost completes an external task too.
    const isAnyAttempt = isMapped || this.#planOf(parent, seen.run.conf_version)?.external === true;
    const starts = isAnyAttempt
      ? `${seen.runId} ${place} attempt `
      : madeBy(seen.runId, place, accepted, this.#passesTo(parent) === task ? task : "");
    const value: unknown = item === null && Array.isArray(got) ? got[0] : got;
    if (Array.isArray(got) && got.length === 0) return;
    if (isMapped && value === null) return;
    if (carriedIn(value)?.by.startsWith(starts) !== true) say(`${starts}…`);
  }

  /** The array of what all items passed, in their order. */
  #gathered(seen: Seen, parent: string, total: number, got: unknown, say: (want: string) => void): void {
    if (!Array.isArray(got) || got.length !== total) return say(`an array of ${total}`);
    const list: readonly unknown[] = got;
    for (const [index, value] of list.entries()) {
      const starts = `${seen.runId} ${placeName(parent, index)} attempt `;
      if (value !== null && carriedIn(value)?.by.startsWith(starts) !== true) return say(`${starts}… at ${index}`);
    }
  }
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").replaceAll(/x{20,}/g, "x…").slice(0, 200);
}
