/** Media types (RFC 9110, section 8.3.1). What is kept as a content type is one: it is answered in a header again. */

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const QUOTED = String.raw`"(?:[\t !#-\x5b\x5d-\x7e]|\\[\t -\x7e])*"`;
/** A parameter may be empty: `text/plain;` is sent by some. Each space has one place in the pattern, so that it cannot be slow. */
const MEDIA_TYPE = new RegExp(
  `^${TOKEN}/${TOKEN}(?:[ \\t]*;(?:[ \\t]*${TOKEN}=(?:${TOKEN}|${QUOTED}))?)*$`,
);
const JSON_TYPE = /^\s*(?:application\/json|[^/\s;]+\/[^/\s;]+\+json)\s*(?:;|$)/i;

/** Whether this text, without space around it, is a media type. ASCII only. */
export function isMediaType(text: string): boolean {
  return MEDIA_TYPE.test(text);
}

/** Whether the content type, parameters and all, is that of JSON. */
export function isJsonType(contentType: string): boolean {
  return JSON_TYPE.test(contentType);
}
