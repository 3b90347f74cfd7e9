/** Passes on what it was given. */
export async function echo(payload: unknown): Promise<unknown> {
  return payload;
}
