/** Waiting for work, but not for long. */

/** Calls back after so many milliseconds, if the object lives that long; what it returns calls that off. */
export type After = (milliseconds: number, work: () => void) => () => void;

/** Whether the work ends within that time; rejects if it fails in it. */
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
