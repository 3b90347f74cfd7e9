import { expect, it } from "vitest";
import { createPeach } from "../../src/worker/worker.ts";
// The worker under test, whose src/index.ts has called it.
import { plan } from "../support/deployed.ts";

it("createPeach takes one project: a pipeline that calls it puts no other in its place", () => {
  expect(() => createPeach({ plan, methods: { tasks: {}, endpoints: {} } })).toThrow(
    "createPeach was called before: src/index.ts calls it once",
  );
});
