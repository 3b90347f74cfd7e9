/** Paths served by Peach itself, with everything below. Endpoints cannot use these urls. */
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

/** Returns the reserved prefix of a path; null if an endpoint may use the path. */
export function ownPathOf(path: string): OwnPath | null {
  return OWN_PATHS.find((own) => path === own || path.startsWith(`${own}/`)) ?? null;
}
