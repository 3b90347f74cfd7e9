/** Which deployments are known not to have the method of a task. The methods of a deployment never change, so none is forgotten. */

/** By ordinal of the task. */
export type LackingByTask = Record<number, readonly string[]>;

/** Notes that this deployment does not have the method of this task. */
export function noteLacking(known: LackingByTask, of: number, deployment: string): void {
  const before = known[of] ?? [];
  if (!before.includes(deployment)) known[of] = [...before, deployment];
}

/** Whether every deployment may have every method. */
export function isNoneLacking(known: LackingByTask): boolean {
  for (const _ in known) return false;
  return true;
}

/** What one decision knows of that, on top of what the run does. */
export class Lacking {
  readonly #known: LackingByTask;
  readonly #found: LackingByTask = {};

  constructor(known: LackingByTask) {
    this.#known = known;
  }

  get isEmpty(): boolean {
    return isNoneLacking(this.#known) && isNoneLacking(this.#found);
  }

  /** Whether any deployment is known not to have the method of this task. */
  knows(of: number): boolean {
    return this.#known[of] !== undefined || this.#found[of] !== undefined;
  }

  note(of: number, deployment: string): void {
    noteLacking(this.#found, of, deployment);
  }

  /** Whether this deployment does not have the method of this task; undefined: it is not known which it is. */
  has(of: number, deployment: string | undefined): boolean {
    if (deployment === undefined) return false;
    return [this.#known[of], this.#found[of]].some((lacking) => lacking?.includes(deployment));
  }
}
