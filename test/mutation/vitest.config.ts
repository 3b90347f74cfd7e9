import { defineConfig } from "vitest/config";

/** The tests of the core alone, in plain Node: what the mutation check runs against each mutant. */
export default defineConfig({
  test: { environment: "node", include: ["test/core/**/*.test.ts"], setupFiles: ["test/mutation/same-seed.ts"] },
});
