/**
 * Deployments known to lack the method of a task. The methods of a deployment never change, so no
 * entry expires.
 */

/** Deployment ids by ordinal of the task. */
export type LackingByTask = Record<number, readonly string[]>;

/** Records a deployment without the task's method. */
export function noteLacking(known: LackingByTask, of: number, deployment: string): void {
  const before = known[of] ?? [];
  if (!before.includes(deployment)) known[of] = [...before, deployment];
}

/** Returns true while no deployment is known to lack a method. */
export function isNoneLacking(known: LackingByTask): boolean {
  for (const _ in known) return false;
  return true;
}

/** View of one transition: entries of the run plus entries found during the transition. */
export class Lacking {
  readonly #known: LackingByTask;
  readonly #found: LackingByTask = {};

  constructor(known: LackingByTask) {
    this.#known = known;
  }

  get isEmpty(): boolean {
    return isNoneLacking(this.#known) && isNoneLacking(this.#found);
  }

  /** Returns true if any deployment is known to lack the task's method. */
  knows(of: number): boolean {
    return this.#known[of] !== undefined || this.#found[of] !== undefined;
  }

  note(of: number, deployment: string): void {
    noteLacking(this.#found, of, deployment);
  }

  /** Returns true if this deployment lacks the task's method; false for an unknown deployment. */
  has(of: number, deployment: string | undefined): boolean {
    if (deployment === undefined) return false;
    return [this.#known[of], this.#found[of]].some((lacking) => lacking?.includes(deployment));
  }
}
