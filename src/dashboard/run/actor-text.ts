/** Formats an actor of a run's history: the name of a token, or an identity without its kind. */
export function actorText(by: string): string {
  return by.replace(/^access:/, "");
}
