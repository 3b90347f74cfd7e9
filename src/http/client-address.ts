/** Where a request comes from, and by what of it clients are told apart. */
import type { Context } from "hono";
import type { HttpEnv } from "./http-env.ts";

/** What is said where nobody tells the address. */
const UNKNOWN_ADDRESS = "unknown";

/**
 * The client's address as Cloudflare says it in `CF-Connecting-IP`, which no client can make up. A request that comes without it has
 * come from another worker (a service binding): there the headers of proxies count, `X-Real-IP` and then the first of
 * `X-Forwarded-For`. Behind a proxy of one's own, in front of Cloudflare, all clients have the proxy's address.
 */
export function addressOf(c: Context<HttpEnv>): string {
  const forwarded = c.req.header("X-Forwarded-For")?.split(",", 1)[0]?.trim();
  return (
    c.req.header("CF-Connecting-IP") || c.req.header("X-Real-IP") || forwarded || UNKNOWN_ADDRESS
  );
}

/**
 * What counts as one client: an address of IPv4, a /64 of IPv6, within which whoever has one address has them all. What is no address
 * stands for itself.
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

const LONGEST_ADDRESS = 64;

/** The eight groups of an address of IPv6, or null. */
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

/** NaN stands for what is no group. */
function readGroups(text: string): number[] {
  if (text === "") return [];
  return text.split(":").map((group) => (group === "" ? Number.NaN : Number.parseInt(group, 16)));
}
