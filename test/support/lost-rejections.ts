/** Runs something, and returns the rejections that nobody has handled once no turn is left of it. Vitest does not count them then. */
export async function lostRejections(run: () => Promise<void>): Promise<unknown[]> {
  const lost: unknown[] = [];
  const note = (error: unknown): void => {
    lost.push(error);
  };
  process.on("unhandledRejection", note);
  try {
    await run();
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off("unhandledRejection", note);
  }
  return lost;
}
