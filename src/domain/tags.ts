/**
 * Tags of runs: words by which people and programs find them again. A task of peach.conf may have
 * templates such as `lang:{payload.language}`, and a trigger its own tags.
 */

/** Most tags of a run. */
export const MAX_TAGS = 10;

/** Longest tag, in characters. */
export const MAX_TAG_LENGTH = 100;

/** A tag: a text without control characters, and without spaces at its ends. */
export const TAG = /^(?! )[^\p{Cc}]{1,100}(?<! )$/u;

/** A template in peach.conf: a tag whose braces all are placeholders. */
export const TAG_TEMPLATE = /^(?!\s)(?=.{1,100}$)([^{}]|\{payload(\.[^\s.{}]+)+\})*(?<!\s)$/;

/** Placeholder in a template: a path into the payload. */
const PLACEHOLDER = /\{payload((?:\.[^\s.{}]+)+)\}/g;

/** Tests whether a template reads the payload. */
export function readsPayload(template: string): boolean {
  return template.includes("{");
}

/**
 * Fills the placeholders with the values that `valueAt` finds at their paths. Null if a value is
 * missing, or is no text, number or boolean. A long value is cut.
 */
export function filledTag(
  template: string,
  valueAt: (path: readonly string[]) => unknown,
): string | null {
  let isWhole = true;
  const filled = template.replace(PLACEHOLDER, (_, path: string) => {
    const value = valueAt(path.slice(1).split("."));
    const isText = typeof value === "string" || typeof value === "number";
    if (!isText && typeof value !== "boolean") isWhole = false;
    return isWhole ? String(value) : "";
  });
  const tag = filled
    .replaceAll(/\p{Cc}/gu, " ")
    .slice(0, MAX_TAG_LENGTH)
    .trim();
  return isWhole && TAG.test(tag) ? tag : null;
}

/** Tags of a run's document; an object with older code tells none. */
export function tagsIn({ tags = [] }: { readonly tags?: readonly string[] }): readonly string[] {
  return tags;
}
