/**
 * Chooses the component of a subject, such as a user: the same each time, on every machine, with
 * nothing stored.
 *
 * Weighted rendezvous hashing. Each component gets a score from the hash of component and subject,
 * and the highest score wins. Without weights: D. Thaler and C. Ravishankar, "Using Name-Based
 * Mappings to Increase Hit Rates", IEEE/ACM Transactions on Networking 6 (1), 1998. With weights:
 * the logarithmic method of C. Schindelhauer and G. Schomaker, "Weighted Distributed Hash Tables",
 * SPAA 2005. For a hash u that is uniform between 0 and 1, -ln(u) / weight is exponentially
 * distributed with the weight as its rate. The smallest of several such numbers is the one of a
 * component with the probability weight / sum of all weights: the shares are the weights.
 *
 * A score depends on its own component alone. Therefore a component that is added only takes
 * subjects, and moves none between the others; one that is removed only gives its own away.
 */

/** A component, as far as the choice depends on it. */
export interface Weighted {
  readonly name: string;
  /** The weight, at least 0. A component with the weight 0 is never chosen. */
  readonly weight: number;
}

/**
 * Chooses a component. `salt` keeps the splits of several endpoints independent of each other.
 * Throws if no component has a weight above 0.
 */
export function chooseComponent<C extends Weighted>(
  components: readonly C[],
  salt: string,
  subject: string,
): C {
  let best: C | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const component of components) {
    if (component.weight <= 0) continue;
    const hash = uniformHash([salt, component.name, subject]);
    const arrival = -Math.log(hash) / component.weight;
    // Weights close to 0 can make every arrival infinite.
    if (best === null || arrival < least) [best, least] = [component, arrival];
  }
  if (best === null) throw new RangeError("no component has a weight above 0");
  return best;
}

/**
 * Hashes texts to a number above 0 and below 1, with 53 random bits: the upper bits are the hash
 * under one seed, the lower bits the hash under another.
 */
function uniformHash(texts: readonly string[]): number {
  // JSON keeps ["a", "bc"] and ["ab", "c"] apart.
  const text = JSON.stringify(texts);
  const upper = murmur3(text, 0x9747b28c);
  const lower = murmur3(text, 0x3c6ef372) >>> 11;
  return (upper * 2 ** 21 + lower + 0.5) / 2 ** 53;
}

/**
 * MurmurHash3 (32 bits, A. Appleby, public domain; github.com/aappleby/smhasher) over the UTF-16
 * code units of a text, two of them to a block. Returns an integer from 0 to 2^32 - 1.
 */
function murmur3(text: string, seed: number): number {
  let hash = seed;
  const even = text.length - (text.length % 2);
  for (let index = 0; index < even; index += 2) {
    hash ^= mixed(text.charCodeAt(index) | (text.charCodeAt(index + 1) << 16));
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
  }
  if (even < text.length) hash ^= mixed(text.charCodeAt(even));
  hash ^= text.length * 2;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function mixed(block: number): number {
  const scattered = Math.imul(block, 0xcc9e2d51);
  return Math.imul((scattered << 15) | (scattered >>> 17), 0x1b873593);
}
