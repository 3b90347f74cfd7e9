import { expect, it } from "vitest";
import type { z } from "zod";
import { compareSets } from "../../../src/compiler/edges/compare-sets.ts";
import { SchemaSets } from "../../../src/compiler/edges/schema-sets.ts";
import { asPayload } from "../../../src/compiler/edges/value-set.ts";
import { decodePayload, encodePayload } from "../../../src/payloads/codec.ts";
import { check } from "../../../src/payloads/checked.ts";
import { IS_LONG } from "../../support/long.ts";
import { fc } from "../../support/property.ts";
import { type SchemaPair, schemaPair } from "./schema-pairs.ts";

const PAIRS = IS_LONG ? 100_000 : 1_500;
const VALUES = 12;

/** A value as a child reads it; undefined if it cannot be passed. */
async function passedOn(schema: z.ZodType, given: unknown): Promise<{ readonly value: unknown } | undefined> {
  const parsed = await check(schema, given).catch(() => ({ ok: false }) as const);
  if (!parsed.ok) return undefined;
  const encoded = encodePayload(parsed.value);
  if (!encoded.ok) return undefined;
  const { body } = encoded.value;
  const bytes = body instanceof Uint8Array ? body : new Uint8Array(await new Response(body).arrayBuffer());
  return { value: decodePayload({ ...encoded.value, size: bytes.length }, bytes) };
}

it(
  "a pair of schemas that fits accepts every value that is passed, encoded and decoded as payloads are",
  async () => {
    const counts = { fits: 0, misfit: 0, unknown: 0, values: 0 };
    const holds = async (passes: z.ZodType, takes: z.ZodType, sets: SchemaSets, pair: SchemaPair): Promise<void> => {
      const { answer } = compareSets(asPayload(sets.passed(passes)), sets.taken(takes));
      counts[answer] += 1;
      // Only a fit promises something about values.
      if (answer !== "fits") return;
      for (let index = 0; index < VALUES; index += 1) {
        const passed = await passedOn(passes, pair.value());
        if (passed === undefined) continue;
        counts.values += 1;
        const accepted = await check(takes, passed.value).then(
          ({ ok }) => ok,
          () => false,
        );
        const direction = passes === pair.passes ? "" : " (from right to left)";
        if (!accepted) throw new Error(`fits, and refuses ${JSON.stringify(passed.value)}: ${pair.code}${direction}`);
      }
    };
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0 }), async (seed) => {
        const pair = schemaPair(seed);
        const sets = new SchemaSets();
        await holds(pair.passes, pair.takes, sets, pair);
        // To make schemas takes longer than to compare them: each two are compared in both directions.
        await holds(pair.takes, pair.passes, sets, pair);
      }),
      { numRuns: PAIRS / 2, endOnFailure: true },
    );
    // Each answer is given often enough to mean something.
    expect(counts.fits).toBeGreaterThan(PAIRS / 10);
    expect(counts.misfit).toBeGreaterThan(PAIRS / 20);
    expect(counts.values).toBeGreaterThan(PAIRS);
  },
  IS_LONG ? 1_200_000 : 60_000,
);
