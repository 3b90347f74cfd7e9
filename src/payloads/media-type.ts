/**
 * Media types (RFC 9110, section 8.3.1). A stored content type must be one, since answers send the
 * type in a header again.
 */

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const QUOTED = String.raw`"(?:[\t !#-\x5b\x5d-\x7e]|\\[\t -\x7e])*"`;
/**
 * Pattern of a media type. A parameter may be empty, since some clients send `text/plain;`. Each
 * space matches at one place only, so that the pattern cannot be slow.
 */
const MEDIA_TYPE = new RegExp(
  `^${TOKEN}/${TOKEN}(?:[ \\t]*;(?:[ \\t]*${TOKEN}=(?:${TOKEN}|${QUOTED}))?)*$`,
);
const JSON_TYPE = /^\s*(?:application\/json|[^/\s;]+\/[^/\s;]+\+json)\s*(?:;|$)/i;

/** Checks that this text, without space around it, is a media type. ASCII only. */
export function isMediaType(text: string): boolean {
  return MEDIA_TYPE.test(text);
}

/** Checks that the content type, with its parameters, is a JSON type. */
export function isJsonType(contentType: string): boolean {
  return JSON_TYPE.test(contentType);
}
