/** The methods of byte arrays on the platform that Node lacks. */

interface Base64Options {
  readonly alphabet?: "base64" | "base64url";
  readonly omitPadding?: boolean;
}

const METHODS = {
  toHex(this: Uint8Array): string {
    return Buffer.from(this).toString("hex");
  },
  toBase64(
    this: Uint8Array,
    { alphabet = "base64", omitPadding = false }: Base64Options = {},
  ): string {
    const text = Buffer.from(this).toString(alphabet);
    const isBare = omitPadding || alphabet === "base64";
    return isBare
      ? omitPadding
        ? text.replace(/=+$/, "")
        : text
      : text.padEnd(Math.ceil(text.length / 4) * 4, "=");
  },
};

const FUNCTIONS = {
  fromHex(text: string): Uint8Array {
    if (text.length % 2 === 1 || /[^0-9a-f]/i.test(text)) throw new SyntaxError(`not hex: ${text}`);
    return new Uint8Array(Buffer.from(text, "hex"));
  },
  fromBase64(text: string, { alphabet = "base64" }: Base64Options = {}): Uint8Array {
    return new Uint8Array(Buffer.from(text, alphabet));
  },
};

/** Adds the missing methods, once. */
export function completeByteArrays(): void {
  for (const [name, value] of Object.entries(METHODS)) define(Uint8Array.prototype, name, value);
  for (const [name, value] of Object.entries(FUNCTIONS)) define(Uint8Array, name, value);
}

function define(on: object, name: string, value: unknown): void {
  if (!(name in on)) Object.defineProperty(on, name, { value, writable: true, configurable: true });
}
