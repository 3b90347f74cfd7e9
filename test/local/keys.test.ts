import { EventEmitter } from "node:events";
import { expect, it, vi } from "vitest";
import { keyLine, readKeys, type Key } from "../../src/local/keys.ts";

const WAIT = { timeout: 10_000, interval: 10 };

/** The input of a terminal, on which a test presses keys. */
class Keyboard extends EventEmitter<{ data: [Buffer] }> {
  readonly isTTY: boolean;
  isRaw = false;
  isPaused = true;

  constructor(isTTY = true) {
    super();
    this.isTTY = isTTY;
  }

  setRawMode(isRaw: boolean): void {
    this.isRaw = isRaw;
  }

  resume(): void {
    this.isPaused = false;
  }

  pause(): void {
    this.isPaused = true;
  }

  press(text: string): void {
    this.emit("data", Buffer.from(text));
  }
}

function reading(keyboard: Keyboard, keys: readonly Key[]) {
  const said: string[] = [];
  const interrupt = vi.fn<() => void>();
  const stop = readKeys(keyboard, keys, { say: (text) => said.push(text), interrupt });
  return { said, interrupt, stop };
}

it("a key runs its action, one after the other, and a failure is said and ends nothing", async () => {
  const keyboard = new Keyboard();
  const done: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const { said } = reading(keyboard, [
    { key: "a", does: "waits", act: () => promise.then(() => void done.push("a")) },
    { key: "b", does: "fails", act: () => Promise.reject(new Error("not now")) },
    { key: "c", does: "counts", act: () => void done.push("c") },
  ]);
  keyboard.press("abxc");
  expect(done).toEqual([]);
  resolve();
  await vi.waitFor(() => expect(done).toEqual(["a", "c"]), WAIT);
  expect(said).toEqual(["not now"]);
});

it("the keys h and ? list all keys", async () => {
  const keyboard = new Keyboard();
  const keys = [{ key: "q", does: "quits", act: () => {} }];
  const { said } = reading(keyboard, keys);
  keyboard.press("h?");
  await vi.waitFor(() => expect(said).toHaveLength(2), WAIT);
  expect(said).toEqual(Array.from({ length: 2 }, () => "  q  quits\n  ?  this list"));
  expect(keyLine(keys)).toBe("Keys: q quits, ? help");
});

it("Ctrl-C interrupts, though a terminal that passes keys on sends no signal for it", () => {
  const keyboard = new Keyboard();
  const { interrupt } = reading(keyboard, []);
  keyboard.press("\u0003");
  expect(interrupt).toHaveBeenCalledTimes(1);
});

it("a terminal is as before when keys are read no more, and no key is read from a pipe", () => {
  const keyboard = new Keyboard();
  const act = vi.fn<() => void>();
  const { stop } = reading(keyboard, [{ key: "a", does: "counts", act }]);
  expect([keyboard.isRaw, keyboard.isPaused]).toEqual([true, false]);
  stop();
  keyboard.press("a");
  expect([keyboard.isRaw, keyboard.isPaused, act.mock.calls]).toEqual([false, true, []]);
  const pipe = new Keyboard(false);
  reading(pipe, [{ key: "a", does: "counts", act }]);
  expect([pipe.isRaw, pipe.isPaused, pipe.listenerCount("data")]).toEqual([false, true, 0]);
});
