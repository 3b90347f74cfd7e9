/** Exported, and named in no peach.conf: a run of another one may still need it. */
export function unnamed(): string {
  return "found";
}
