/** Keys of a command that runs in a terminal until an interrupt. */

/** The input of a terminal. */
export interface KeyInput {
  readonly isTTY: boolean;
  setRawMode(isRaw: boolean): unknown;
  on(event: "data", listener: (data: Buffer) => void): unknown;
  off(event: "data", listener: (data: Buffer) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/** A key and its action. */
export interface Key {
  /** A single character. */
  readonly key: string;
  /** The action in words, such as "quits". */
  readonly does: string;
  readonly act: () => void | Promise<void>;
}

/** Ctrl-C. A terminal in raw mode passes the key on as a character, and sends no signal. */
const INTERRUPT = "\u0003";

/**
 * Reads keys until the returned function is called. Actions run one after the other; `?` and `h`
 * list all keys. `interrupt` is called for Ctrl-C. Without a terminal no key is read.
 */
export function readKeys(
  input: KeyInput,
  keys: readonly Key[],
  { say, interrupt }: { readonly say: (text: string) => void; readonly interrupt: () => void },
): () => void {
  if (!input.isTTY) return () => {};
  let last = Promise.resolve();
  const help: Key = { key: "?", does: "this list", act: () => say(keyLines([...keys, help])) };
  const press = (pressed: string): void => {
    if (pressed === INTERRUPT) return interrupt();
    const wanted = pressed === "h" ? "?" : pressed;
    const known = [...keys, help].find(({ key }) => key === wanted);
    if (known === undefined) return undefined;
    last = last
      .then(() => known.act())
      .catch((error: unknown) => say(error instanceof Error ? error.message : String(error)));
    return undefined;
  };
  const read = (data: Buffer): void => {
    for (const letter of data.toString()) press(letter);
  };
  input.setRawMode(true);
  input.on("data", read);
  input.resume();
  return () => {
    input.off("data", read);
    input.setRawMode(false);
    input.pause();
  };
}

/** Renders the keys as a line each. */
function keyLines(keys: readonly Key[]): string {
  return keys.map(({ key, does }) => `  ${key}  ${does}`).join("\n");
}

/** Renders the keys in one line. */
export function keyLine(keys: readonly Key[]): string {
  return `Keys: ${[...keys.map(({ key, does }) => `${key} ${does}`), "? help"].join(", ")}`;
}
