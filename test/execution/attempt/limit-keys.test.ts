import { expect, it } from "vitest";
import { passToChildTask } from "../../../src/task-helpers.ts";
import { attempt } from "../../support/attempt.ts";

const children = ["all", "one", "none"];
const limited = children.map((child) => ({ child, each: false, paths: { concurrency: ["user"] } }));

it("an attempt brings the limit keys of its children, each from what that child reads", async () => {
  const { settlement } = await attempt(
    () => {
      passToChildTask({ user: "b" }, { to: "one" });
      passToChildTask(new Blob(["{}"]).stream(), { to: "none" });
      return { user: "a" };
    },
    { children, limited, inlineLimitBytes: 1_000_000 },
  );
  expect(settlement.outcome).toMatchObject({
    type: "succeeded",
    limitKeys: { all: { concurrency: '"a"' }, one: { concurrency: '"b"' } },
  });
  expect(settlement.outcome).not.toHaveProperty("limitKeys.none");
});

it("an attempt whose children have no limits brings no limit keys", async () => {
  const { settlement } = await attempt(() => ({ user: "a" }), { children });
  expect(settlement.outcome).not.toHaveProperty("limitKeys");
});
