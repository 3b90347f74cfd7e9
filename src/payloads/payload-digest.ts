/**
 * The digest that compares two stored payloads: of their kind, and of their bytes. Of JSON, the
 * text of `writeJson` counts, so that blanks and different spellings of a number or a letter do not
 * matter. A stream is digested block by block during the upload.
 */
import type { PayloadDescription } from "../domain/payload.ts";
import type { PayloadDigest } from "../domain/trigger-key.ts";
import { encodedPieces, encodePieces, ESCAPED, type HeldPayload } from "./codec.ts";
import { parseJson } from "./cut-json.ts";
import { writeJson } from "./json-text.ts";

const ENCODER = new TextEncoder();

/** Size from which a held payload is digested block by block, without a copy in memory. Bytes. */
const LARGE_BYTES = 1_000_000;

/** Digests a held payload. */
export async function digestOfHeld(payload: HeldPayload): Promise<PayloadDigest> {
  if (payload.body.length >= LARGE_BYTES) return digestOfLarge(payload);
  const tag = tagOf(payload);
  const body =
    payload.kind === "json" && payload.isWritten !== true ? rewritten(payload.body) : payload.body;
  const bytes = new Uint8Array(tag.length + body.length);
  bytes.set(tag);
  bytes.set(body, tag.length);
  return textOf(await crypto.subtle.digest("SHA-256", bytes));
}

/**
 * Digests a payload during its upload. Equals the digest of the held payload, except for JSON,
 * which never comes as a stream.
 */
export class PassingDigest {
  readonly #stream = new crypto.DigestStream("SHA-256");
  readonly #writer = this.#stream.getWriter();
  readonly #begun: Promise<void>;

  constructor(payload: Pick<PayloadDescription, "kind" | "form">) {
    this.#begun = this.#writer.write(tagOf(payload));
    // A failed upload leaves the digest unfinished and unread.
    this.#stream.digest.catch(() => undefined);
  }

  /** Adds the next block; its memory may be reused once this resolves. */
  async take(block: Uint8Array): Promise<void> {
    await this.#begun;
    await this.#writer.write(block);
  }

  /** Returns the digest of all blocks. */
  async end(): Promise<PayloadDigest> {
    await this.#begun;
    await this.#writer.close();
    return textOf(await this.#stream.digest);
  }
}

/**
 * Tag of kind and form. A text with lone surrogates is stored as JSON, and another text may have
 * the same bytes.
 */
function tagOf({ kind, form }: Pick<PayloadDescription, "kind" | "form">): Uint8Array {
  return ENCODER.encode(`${kind}${form === ESCAPED ? `/${ESCAPED}` : ""}\n`);
}

async function digestOfLarge(payload: HeldPayload): Promise<PayloadDigest> {
  const digest = new PassingDigest(payload);
  const written =
    payload.kind === "json" && payload.isWritten !== true
      ? writeJson(parseJson(payload.body))
      : null;
  if (written?.ok === true)
    for (const block of encodedPieces(written.pieces)) await digest.take(block);
  else await digest.take(payload.body);
  return digest.end();
}

function rewritten(body: Uint8Array): Uint8Array {
  const written = writeJson(parseJson(body));
  return written.ok ? encodePieces(written.pieces) : body;
}

function textOf(digest: ArrayBuffer): PayloadDigest {
  return new Uint8Array(digest).toBase64({ alphabet: "base64url", omitPadding: true });
}
