/** The rules of R2 for conditions, ranges, metadata and parts, with the errors of the platform. */

/** Conditions on the object that is stored. */
export interface Condition {
  readonly etagMatches?: string;
  readonly etagDoesNotMatch?: string;
  readonly uploadedBefore?: Date;
  readonly uploadedAfter?: Date;
}

export interface Range {
  readonly offset?: number;
  readonly length?: number;
  readonly suffix?: number;
}

/** A part of an upload, with its etag. */
export interface Part {
  readonly partNumber: number;
  readonly etag: string;
}

export const LIST_PAGE = 1_000;
/** Bytes of UTF-8. */
const MAX_KEY_BYTES = 1_024;
const MAX_METADATA_BYTES = 8_192;
const MIN_PART_BYTES = 5 * 1_024 * 1_024;
const MAX_PARTS = 10_000;

/** Makes an error of R2 with its number. */
export function r2Error(operation: string, message: string, code: number): Error {
  return new Error(`${operation}: ${message} (${code})`);
}

/** Refuses a key that is too long. */
export function checkKey(operation: string, key: string): void {
  if (Buffer.byteLength(key) > MAX_KEY_BYTES)
    throw r2Error(operation, "The specified object name is not valid.", 10_020);
}

/** Refuses metadata that are too large. */
export function checkMetadata(metadata: unknown): void {
  if (JSON.stringify(metadata ?? {}).length > MAX_METADATA_BYTES)
    throw r2Error("put", "Your metadata headers exceed the maximum allowed metadata size.", 10_012);
}

/** Returns the size of a page of a list. */
export function pageOf(limit: number | undefined): number {
  if (limit !== undefined && (limit < 1 || limit > LIST_PAGE))
    throw r2Error("list", `MaxKeys params must be positive integer <= ${LIST_PAGE}.`, 10_022);
  return limit ?? LIST_PAGE;
}

/** Tests a condition on the stored object, or on the absence of one. */
export function holds(
  object: { readonly etag: string; readonly uploaded: Date } | undefined,
  given: Condition | Headers = {},
): boolean {
  const condition = given instanceof Headers ? conditionOf(given) : given;
  const { etagMatches, etagDoesNotMatch, uploadedBefore, uploadedAfter } = condition;
  for (const etag of [etagMatches, etagDoesNotMatch])
    if (etag?.startsWith('"') === true)
      throw new TypeError(`Conditional ETag should not be wrapped in quotes (${etag}).`);
  if (object === undefined) return etagMatches === undefined && uploadedAfter === undefined;
  const { etag, uploaded } = object;
  const isNamed = (wanted: string): boolean => wanted === "*" || wanted === etag;
  if (etagMatches !== undefined && !isNamed(etagMatches)) return false;
  if (etagDoesNotMatch !== undefined && isNamed(etagDoesNotMatch)) return false;
  // As in HTTP, a condition on the etag goes before one on the time.
  const isTooOld =
    etagDoesNotMatch === undefined && uploadedAfter !== undefined && uploaded <= uploadedAfter;
  const isTooNew =
    etagMatches === undefined && uploadedBefore !== undefined && uploaded >= uploadedBefore;
  return !isTooOld && !isTooNew;
}

/** Reads the conditions of a request. */
function conditionOf(headers: Headers): Condition {
  const etag = (name: string) => headers.get(name)?.replaceAll(/^(W\/)?"|"$/g, "");
  const date = (name: string) => {
    const text = headers.get(name);
    return text === null ? undefined : new Date(text);
  };
  const [etagMatches, etagDoesNotMatch] = [etag("if-match"), etag("if-none-match")];
  const [before, after] = [date("if-unmodified-since"), date("if-modified-since")];
  return {
    ...(etagMatches !== undefined && { etagMatches }),
    ...(etagDoesNotMatch !== undefined && { etagDoesNotMatch }),
    ...(before !== undefined && { uploadedBefore: before }),
    ...(after !== undefined && { uploadedAfter: after }),
  };
}

/** Returns the part of an object that a range names. */
export function partOf(
  size: number,
  given: Range | Headers = {},
): { readonly offset: number; readonly length: number } {
  const range = given instanceof Headers ? rangeOf(given) : given;
  const { suffix } = range;
  const offset = suffix === undefined ? (range.offset ?? 0) : Math.max(0, size - suffix);
  const length = Math.min(range.length ?? size, size - offset);
  const isWhole = suffix === undefined && range.offset === undefined && range.length === undefined;
  if (!isWhole && length <= 0)
    throw r2Error("get", "The requested range is not satisfiable", 10_039);
  return { offset, length };
}

/** Reads the range of a request: a single one, or the whole object. */
function rangeOf(headers: Headers): Range {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(headers.get("range") ?? "") ?? [];
  if (first === "") return last === "" ? {} : { suffix: Number(last) };
  const offset = Number(first);
  return last === "" ? { offset } : { offset, length: Number(last) - offset + 1 };
}

/** The metadata that headers can name. */
const FIELDS = [
  "contentType",
  "contentLanguage",
  "contentDisposition",
  "contentEncoding",
  "cacheControl",
] as const;

/** Returns the name of the header of a field. */
export function headerOf(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Reads the metadata of an object, also from headers. */
export function httpMetadataOf(given: unknown): unknown {
  if (!(given instanceof Headers)) return given ?? {};
  const values = FIELDS.map((field) => [field, given.get(headerOf(field))] as const);
  return Object.fromEntries(values.filter(([, value]) => value !== null));
}

/** Refuses the number of a part. */
export function checkPartNumber(partNumber: number): void {
  if (partNumber < 1 || partNumber > MAX_PARTS)
    throw new TypeError(
      `Part number must be between 1 and ${MAX_PARTS} (inclusive). Actual value was: ${partNumber}`,
    );
}

/** Joins the named parts in the order of their numbers. All but the last have one size. */
export function joined(
  parts: ReadonlyMap<number, Part & { readonly bytes: Uint8Array }>,
  named: readonly Part[],
): Uint8Array<ArrayBuffer> {
  const operation = "completeMultipartUpload";
  const found = named
    .toSorted((a, b) => a.partNumber - b.partNumber)
    .map(({ partNumber, etag }) => {
      const part = parts.get(partNumber);
      if (part?.etag !== etag)
        throw r2Error(operation, "One or more of the specified parts could not be found.", 10_025);
      return part.bytes;
    });
  const [first] = found;
  const others = found.slice(0, -1);
  if (others.some(({ length }) => length < MIN_PART_BYTES))
    throw r2Error(
      operation,
      "Your proposed upload is smaller than the minimum allowed object size.",
      10_011,
    );
  const size = first?.length ?? 0;
  if (others.some(({ length }) => length !== size) || (found.at(-1)?.length ?? 0) > size)
    throw r2Error(operation, "There was a problem with the multipart upload.", 10_048);
  return new Uint8Array(Buffer.concat(found));
}
