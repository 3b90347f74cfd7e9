/**
 * The triggers of one attempt, or of one call of an endpoint. A trigger without an `await` is
 * awaited before the attempt ends, and an unhandled failure fails the attempt, as if awaited.
 *
 * Handled means the same as in the language: a promise with a handler is handled, and a promise
 * derived without a rejection handler is followed in its place. Code may also await a trigger in an
 * async function that is not awaited itself (`list.forEach(async …)`): the platform then reports
 * the rejection as unhandled, and the error leads to its scope.
 */

/** Turns of the microtask queue that code may take between two triggers. */
const NEXT_TRIGGER_TURNS = 16;

/** The scope of each error. */
const owners = new WeakMap<Error, PendingTriggers>();

export class PendingTriggers {
  readonly #underWay = new Set<Promise<unknown>>();
  /** Failures whose promise may still get a handler, or was reported as unhandled. */
  readonly #failures: { readonly error: unknown; readonly isHeard: () => boolean }[] = [];
  readonly #unhandled = new Map<Promise<unknown>, unknown>();
  #hasFailed = false;
  #isOver = false;

  /**
   * Follows a trigger and returns a promise that knows whether it was handled. Once the scope is
   * over, the trigger is returned as it is.
   */
  follow<T>(trigger: Promise<T>): Promise<T> {
    if (this.#isOver) return trigger;
    const ended = trigger.then(
      () => void this.#underWay.delete(ended),
      (error: unknown) => {
        this.#underWay.delete(ended);
        this.#hasFailed = true;
        if (error instanceof Error) owners.set(error, this);
      },
    );
    this.#underWay.add(ended);
    return HeardPromise.of(
      trigger,
      (error, isHeard) => void this.#failures.push({ error, isHeard }),
    );
  }

  /** Resolves once no trigger is in progress. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) {
      await Promise.all(this.#underWay);
      for (let turn = 0; turn < NEXT_TRIGGER_TURNS; turn += 1) await Promise.resolve();
    }
  }

  /** Waits for the triggers in progress and closes the scope. */
  async abandon(): Promise<void> {
    await this.idle();
    this.#isOver = true;
  }

  /** Closes the scope. Rejects with the first unhandled failure. */
  async conclude(): Promise<void> {
    await this.abandon();
    if (!this.#hasFailed) return;
    // The platform reports unhandled rejections after the microtasks.
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

/**
 * Runs `work`, waits for its triggers, and fails if a trigger failed unhandled. `triggers` returns
 * null while there are none.
 */
export async function withTriggers(
  triggers: () => PendingTriggers | null,
  work: () => unknown,
): Promise<unknown> {
  let result: unknown;
  try {
    result = await work();
  } catch (error) {
    // Triggers count even if `work` fails.
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

/**
 * A promise that knows whether a handler was attached. `await` attaches one too, since the class is
 * not the language's own.
 */
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

/** Assigns an unhandled rejection to the scope that made the trigger. */
function reported({ type, promise, reason }: PromiseRejectionEvent): boolean {
  const owner = reason instanceof Error ? owners.get(reason) : undefined;
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
