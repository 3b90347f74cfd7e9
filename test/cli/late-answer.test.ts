import { expect, it, onTestFinished, vi } from "vitest";
import { sayWhenLate } from "../../src/cli/late-answer.ts";

const URL_OF_RUNS = "https://peach.example/api/v1/runs";

it("a command says when the deployment takes long to answer, and nothing where it was asked to wait", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const said: string[] = [];
  const { promise, resolve } = Promise.withResolvers<Response>();
  const send = sayWhenLate(
    (text) => said.push(text),
    () => promise,
  );
  const answers = [send(URL_OF_RUNS, {}), send(`${URL_OF_RUNS}?wait=60000ms`, {})];
  vi.advanceTimersByTime(9_999);
  expect(said).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(said).toEqual(["https://peach.example has not answered for 10 s: still waiting, Ctrl-C leaves"]);
  resolve(new Response());
  await Promise.all(answers);
  vi.advanceTimersByTime(60_000);
  expect([said.length, vi.getTimerCount()]).toEqual([1, 0]);
});
