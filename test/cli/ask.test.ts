import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { ask } from "../../src/cli/ask.ts";

/** Asks in a terminal in which these keys are pressed. */
async function asked(keys: string): Promise<string> {
  const input = new PassThrough();
  const interrupted = new AbortController();
  const answer = ask("retry 3 runs? [y/N] ", {
    input,
    output: new PassThrough(),
    signal: interrupted.signal,
    interrupt: () => interrupted.abort(),
  });
  input.write(keys);
  return await answer;
}

it("an answer is the line that is typed", async () => {
  expect(await asked("y\r")).toBe("y");
});

it("Ctrl-C at a question interrupts the command, as it does elsewhere", async () => {
  await expect(asked("y\u0003")).rejects.toThrow("The operation was aborted");
});

it("Ctrl-D at a question answers nothing", async () => {
  expect(await asked("\u0004")).toBe("");
});
