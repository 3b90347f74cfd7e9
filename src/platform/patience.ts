/** Waits for work within a limit. */

/** Calls back after this delay, if the object lives that long. The result cancels the callback. */
export type After = (milliseconds: number, work: () => void) => () => void;

/** Calls back by a timer of the runtime. */
export const afterDelay: After = (milliseconds, work) => {
  const timer = setTimeout(work, milliseconds);
  return () => clearTimeout(timer);
};

/** Checks that the work ends within the time; rejects if the work fails within the time. */
export async function isOverWithin(
  milliseconds: number,
  work: Promise<void>,
  after: After,
): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const callOff = after(milliseconds, () => resolve(false));
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    callOff();
  }
}
