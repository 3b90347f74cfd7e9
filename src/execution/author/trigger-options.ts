/**
 * Options that authors give with a trigger, checked at run time: a value of the type `any` passes
 * the compiler.
 */
import { ProblemError } from "../../domain/problem.ts";
import { textOf } from "../../platform/log.ts";
import type { EmitOptions, TriggerOptions } from "./api.ts";

/**
 * The idempotency key; undefined without one. Throws for a key that is no text, such as the null of
 * an absent header: unrelated triggers would share it, and all but the first would start nothing.
 */
export function keyIn(options: EmitOptions | undefined): string | undefined {
  const key: unknown = options?.idempotencyKey;
  if (key === undefined || (typeof key === "string" && key !== "")) return key;
  throw new ProblemError({
    code: "invalid_request",
    detail: `An idempotency key is a text of at least one character, not ${shown(key)}.`,
    hint: "Leave the option out where there is no key, and write a number as a text.",
  });
}

/** The tags; none without the option. Throws for anything but a list of texts. */
export function tagsGiven(options: TriggerOptions | undefined): Pick<TriggerOptions, "tags"> {
  const tags: unknown = options?.tags;
  if (tags === undefined) return {};
  if (Array.isArray(tags) && Array.from(tags).every((tag) => typeof tag === "string"))
    return { tags: Array.from(tags) };
  throw new ProblemError({
    code: "invalid_request",
    detail: `The tags of a trigger are a list of texts, not ${shown(tags)}.`,
    hint: 'Give them as a list, also a single one: tags: ["news"].',
  });
}

const MAX_SHOWN = 100;

function shown(given: unknown): string {
  return given === "" ? "an empty one" : textOf(given).slice(0, MAX_SHOWN);
}
