/** The paths that Peach itself serves, with everything below them: no endpoint has its url there. */
export const OWN_PATHS = [
  "/api/v1",
  "/healthz",
  "/dashboard",
  "/dev",
  "/complete",
  "/mcp",
  "/llms.txt",
] as const;
export type OwnPath = (typeof OWN_PATHS)[number];

/** Which of them a path belongs to; null: it may be an endpoint's. */
export function ownPathOf(path: string): OwnPath | null {
  return OWN_PATHS.find((own) => path === own || path.startsWith(`${own}/`)) ?? null;
}
