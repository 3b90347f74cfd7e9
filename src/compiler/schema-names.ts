/**
 * The values that tasks and endpoints share: names, exported functions, modules, and the addresses
 * that a payload may open.
 */
import { lookalikeHint, nameOf } from "./lookalikes.ts";
import { isMapping, oneOrMany, text, textLike } from "./schema-parts.ts";

/** The names of tasks and endpoints: at most 64 characters. */
export const NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;
/** An identifier of JavaScript, as exports are named. */
const METHOD = /^[A-Za-z_$][\w$]*$/;
/** The name of a task. */
export const taskName = textLike("the name of a task", NAME, (given) => {
  if (isMapping(given)) return "write a name, or a list of names such as [first, second]";
  if (typeof given !== "string") return null;
  const names = given.split(/[\s,]+/);
  return names.length > 1 && names.every((name) => NAME.test(name))
    ? `write a list: [${names.join(", ")}]`
    : nameHint(given);
});

/** Describes the form of a name, and shows the first letter outside of the alphabet. */
export function nameHint(given: string): string {
  const form =
    "a name begins with a letter or _, goes on with letters, digits, _ and -, " +
    "and has at most 64 of them";
  const [foreign] = /[^\0-\x7f]/u.exec(given) ?? [];
  if (foreign === undefined) return form;
  return lookalikeHint(given) ?? `${form}; ${nameOf(foreign)} is none of the letters A to Z`;
}

/** The name of an exported function. */
export const functionName = text("the name of an exported function", METHOD);
/** The key `method`: the exported function of a task or an endpoint. */
export const method = functionName.meta({
  description: "The exported function.",
  examples: ["transcribe"],
});
/** The key `module`: needed only if several files export the function. */
export const module = text("the path of a file under the pipelines folder, without .ts").meta({
  description:
    "The file that exports the function, if several files do: " +
    "its path under the pipelines folder, without .ts.",
  examples: ["news/audio"],
});

/**
 * Addresses that a task may open. A bucket without a path gets a final `/`, or it would match
 * longer names of buckets.
 */
export const open = oneOrMany(
  text(
    "the beginning of addresses, such as s3://uploads/audio/",
    /^s3:\/\/[^/]+(\/.*)?$/s,
  ).transform((given) => (/^s3:\/\/[^/]+$/.test(given) ? `${given}/` : given)),
  0,
).meta({
  description:
    "The beginnings of the addresses that openObject opens; for tasks whose payloads come from " +
    "outside. Default: all but the payload bucket.",
  examples: ["s3://uploads/audio/"],
});
