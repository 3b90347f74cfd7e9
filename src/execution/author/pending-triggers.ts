/**
 * The triggers of one attempt, or of one call of an endpoint. Those that its code does not await are waited for before it counts as ended,
 * and a failure that nobody has handled is the failure of the whole, as if it had been awaited.
 *
 * Whether it was handled is what the language means by it: a promise that somebody has hung a handler on is heard, and what comes of
 * that without a handler for failures is followed in its place. Code may also await a trigger in an async function that itself is not
 * awaited (`list.forEach(async …)`): its rejection is then reported by the platform as unhandled, and found by its error.
 */

/** How many turns of the microtask queue code may take from one trigger to the next. */
const NEXT_TRIGGER_TURNS = 16;

/** By error: whose trigger it was. */
const owners = new WeakMap<object, PendingTriggers>();

export class PendingTriggers {
  readonly #underWay = new Set<Promise<unknown>>();
  /** Failures whose promise may be heard still, or was reported as unhandled. */
  readonly #failures: { readonly error: unknown; readonly isHeard: () => boolean }[] = [];
  readonly #unhandled = new Map<Promise<unknown>, unknown>();
  #hasFailed = false;
  #isOver = false;

  /** Follows a trigger, and gives it back as a promise that knows whether it was heard. Once all is over, nobody looks at it any more. */
  follow<T>(trigger: Promise<T>): Promise<T> {
    if (this.#isOver) return trigger;
    const ended = trigger.then(
      () => void this.#underWay.delete(ended),
      (error: unknown) => {
        this.#underWay.delete(ended);
        this.#hasFailed = true;
        if (typeof error === "object" && error !== null) owners.set(error, this);
      },
    );
    this.#underWay.add(ended);
    return HeardPromise.of(
      trigger,
      (error, isHeard) => void this.#failures.push({ error, isHeard }),
    );
  }

  /** Resolves once none is under way. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) {
      await Promise.all(this.#underWay);
      for (let turn = 0; turn < NEXT_TRIGGER_TURNS; turn += 1) await Promise.resolve();
    }
  }

  /** Waits for those that are under way; the last ones. */
  async abandon(): Promise<void> {
    await this.idle();
    this.#isOver = true;
  }

  /** The same. Rejects with the first failure that nobody has handled. */
  async conclude(): Promise<void> {
    await this.abandon();
    if (!this.#hasFailed) return;
    // The platform reports what is unhandled after the microtasks.
    await scheduler.wait(0);
    const unheard = this.#failures.find(({ isHeard }) => !isHeard());
    if (unheard !== undefined) throw unheard.error;
    for (const error of this.#unhandled.values()) throw error;
  }

  unhandled(promise: Promise<unknown>, error: unknown): void {
    this.#unhandled.set(promise, error);
  }

  handled(promise: Promise<unknown>): void {
    this.#unhandled.delete(promise);
  }
}

/** Does the work, waits for what it has triggered, and fails if that has failed without being handled. `triggers`: null while it has none. */
export async function withTriggers(
  triggers: () => PendingTriggers | null,
  work: () => unknown,
): Promise<unknown> {
  let result: unknown;
  try {
    result = await work();
  } catch (error) {
    // What was triggered counts, whatever became of the rest.
    await triggers()?.abandon();
    throw error;
  }
  try {
    await triggers()?.conclude();
  } catch (error) {
    if (result instanceof Response) await result.body?.cancel();
    throw error;
  }
  return result;
}

type Unheard = (error: unknown, isHeard: () => boolean) => void;

/** A promise that knows whether anybody has hung a handler on it. `await` does so too, since it is not of the language's own class. */
class HeardPromise<T> extends Promise<T> {
  #isHeard = false;
  #onFailure: Unheard | null = null;

  static of<T>(promise: Promise<T>, onFailure: Unheard): HeardPromise<T> {
    const heard = new HeardPromise<T>((resolve, reject) => void promise.then(resolve, reject));
    heard.#follow(onFailure);
    return heard;
  }

  // oxlint-disable-next-line unicorn/no-thenable
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#isHeard = true;
    const next = super.then(onFulfilled, onRejected);
    if (
      this.#onFailure !== null &&
      typeof onRejected !== "function" &&
      next instanceof HeardPromise
    )
      next.#follow(this.#onFailure);
    return next;
  }

  #follow(onFailure: Unheard): void {
    this.#onFailure = onFailure;
    super.then(undefined, (error: unknown) => onFailure(error, () => this.#isHeard));
  }
}

/** Takes what the platform reports as unhandled to the scope whose trigger it was. */
function reported({ type, promise, reason }: PromiseRejectionEvent): boolean {
  const owner = typeof reason === "object" && reason !== null ? owners.get(reason) : undefined;
  if (type === "unhandledrejection") owner?.unhandled(promise, reason);
  else owner?.handled(promise);
  return owner !== undefined;
}

if (typeof addEventListener === "function") {
  addEventListener("unhandledrejection", (event) => {
    if (reported(event)) event.preventDefault();
  });
  addEventListener("rejectionhandled", reported);
}
