/**
 * Tags of a new run: those of its root task in peach.conf, and those of its trigger. Computed at
 * the accept, from the checked payload: the run object never reads a payload.
 *
 * The tags ride in the origin of the run. A repeated trigger finds its run and changes no tags.
 */
import { ok, refuse, type Problem, type Result } from "../domain/problem.ts";
import { filledTag, MAX_TAG_LENGTH, MAX_TAGS, readsPayload, TAG } from "../domain/tags.ts";
import { decodePayload, type EncodedPayload } from "../payloads/codec.ts";
import { memberOf } from "../payloads/json-path.ts";

/**
 * Combines the tags, each once. Refuses malformed tags of the trigger, and more than ten in all.
 * `templates`: tags of peach.conf, with paths into the payload. `given`: tags of the trigger.
 */
export function runTags(
  templates: readonly string[],
  given: readonly string[],
  payload: EncodedPayload,
): Result<readonly string[]> {
  const wrong = given.findIndex((tag) => !TAG.test(tag));
  if (wrong !== -1) return refuse(malformed(wrong));
  const value = templates.some(readsPayload) ? valueOf(payload) : undefined;
  const own = templates.flatMap(
    (template) => filledTag(template, (path) => path.reduce(memberOf, value)) ?? [],
  );
  const tags = [...new Set([...own, ...given])];
  return tags.length > MAX_TAGS ? refuse(tooMany(own, tags)) : ok(tags);
}

/** The value of a JSON payload; undefined for any other kind. */
function valueOf(payload: EncodedPayload): unknown {
  if (payload.kind !== "json" || payload.body instanceof ReadableStream) return undefined;
  return decodePayload({ ...payload, size: payload.body.length }, payload.body);
}

/** The refusal of a malformed tag; `index` is its place among the tags of the trigger. */
function malformed(index: number): Problem {
  return {
    code: "invalid_request",
    detail: `The tag at place ${index + 1} is no tag.`,
    hint: `A tag has 1 to ${MAX_TAG_LENGTH} characters, none of them a control character, and no space at its ends.`,
    errors: [{ path: `tags[${index}]`, message: "is no tag" }],
  };
}

/** The refusal of more tags than a run may have. `own`: tags of peach.conf. */
function tooMany(own: readonly string[], tags: readonly string[]): Problem {
  return {
    code: "invalid_request",
    detail: `The run would have ${tags.length} tags, ${own.length} of them by peach.conf.`,
    hint: `A run has at most ${MAX_TAGS}: leave some of the trigger's tags away.`,
    errors: [{ path: "tags", message: `at most ${MAX_TAGS} in all` }],
  };
}
