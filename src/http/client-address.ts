/** Determines the client's address, and the network by which limits count clients. */
import type { Context } from "hono";
import type { HttpEnv } from "./http-env.ts";

/** Address of a request without any address header. */
const UNKNOWN_ADDRESS = "unknown";

/**
 * Returns the client's address.
 *
 * Cloudflare sets `CF-Connecting-IP`, and no client can forge that header. A request without it
 * comes from another worker through a service binding: then `X-Real-IP` counts, else the first
 * address of `X-Forwarded-For`. Behind the user's own proxy in front of Cloudflare, all clients
 * share the proxy's address.
 */
export function addressOf(c: Context<HttpEnv>): string {
  const forwarded = c.req.header("X-Forwarded-For")?.split(",", 1)[0]?.trim();
  return (
    c.req.header("CF-Connecting-IP") || c.req.header("X-Real-IP") || forwarded || UNKNOWN_ADDRESS
  );
}

/**
 * Returns the network that counts as one client: the address itself for IPv4, the /64 prefix for
 * IPv6, because a client owns every address of its /64. Text that is no address is returned as it
 * is, cut to `LONGEST_ADDRESS` characters.
 *
 * ```ts
 * networkOf("203.0.113.7"); // "203.0.113.7"
 * networkOf("::ffff:203.0.113.7"); // "203.0.113.7"
 * networkOf("2001:db8:1:2:3:4:5:6"); // "2001:db8:1:2::/64"
 * ```
 */
export function networkOf(address: string): string {
  const [plain = ""] = address.split("%", 1);
  const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(plain)?.[1];
  if (mapped !== undefined) return mapped;
  const groups = groupsOf(plain);
  if (groups === null) return address.slice(0, LONGEST_ADDRESS);
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(":")}::/64`;
}

/**
 * Characters kept of text that is no address, so that a forged header cannot fill a map of limits.
 */
const LONGEST_ADDRESS = 64;

/** Parses an IPv6 address into its eight groups; null for any other text. */
function groupsOf(address: string): number[] | null {
  if (!/^[0-9a-f:]{2,39}$/i.test(address)) return null;
  const [head = "", tail, ...more] = address.split("::");
  if (more.length > 0) return null;
  const before = readGroups(head);
  const after = tail === undefined ? [] : readGroups(tail);
  const missing = 8 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...before, ...Array.from({ length: missing }, () => 0), ...after];
  return groups.some((group) => !(group <= 0xffff)) ? null : groups;
}

/** Parses groups of hex digits; NaN marks an empty group, which is invalid. */
function readGroups(text: string): number[] {
  return text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
}
