import { expect, it } from "vitest";
import { AtOnce } from "../../src/platform/at-once.ts";
import { failureListener, hearingFailures } from "../../src/platform/calls.ts";

/** Work under its own listener, of which the test says when a call in it fails, and when it ends. */
function begin(atOnce: AtOnce) {
  const state = { heard: 0, fails: (): void => undefined };
  const { promise: end, resolve: ends } = Promise.withResolvers<void>();
  const done = hearingFailures(
    () => (state.heard += 1),
    () =>
      atOnce.run(() => {
        state.fails = failureListener();
        return end;
      }),
  );
  return { state, ends, done };
}

it("a call that waits for the place of another hears that the other fails at first, and hears nothing of it later", async () => {
  const atOnce = new AtOnce(1);
  const first = begin(atOnce);
  const second = begin(atOnce);
  first.state.fails();
  expect([first.state.heard, second.state.heard]).toEqual([1, 1]);
  first.ends();
  await first.done;
  first.state.fails();
  expect(second.state.heard).toBe(1);
  second.state.fails();
  expect([first.state.heard, second.state.heard]).toEqual([2, 2]);
});

it("a call that comes between two tries of a call whose place it needs hears that the other has failed", async () => {
  const atOnce = new AtOnce(1);
  const first = begin(atOnce);
  first.state.fails();
  const second = begin(atOnce);
  expect(second.state.heard).toBe(1);
  first.ends();
  second.ends();
  await Promise.all([first.done, second.done]);
  const third = begin(atOnce);
  const fourth = begin(atOnce);
  expect([third.state.heard, fourth.state.heard]).toEqual([0, 0]);
});

it("a call that has a place of its own hears nothing of another that fails", () => {
  const atOnce = new AtOnce(2);
  const [first, second] = [begin(atOnce), begin(atOnce)];
  first.state.fails();
  expect([first.state.heard, second.state.heard]).toEqual([1, 0]);
});
