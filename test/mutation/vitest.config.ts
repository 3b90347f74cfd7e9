import { defineConfig } from "vitest/config";

/** The tests of the core alone, in plain Node: what the mutation check runs against each mutant. */
export default defineConfig({
  test: {
    environment: "node",
    include: ["test/domain/**/*.test.ts"],
    // Properties try the same cases against every mutant, so that the score repeats.
    provide: { isLong: false, seed: 1 },
  },
});
