/** Reads and writes JSON files of a project, such as package.json. */
import { parseJson } from "../compiler/read-file.ts";
import { isMapping } from "../compiler/schema-parts.ts";

/** Parses a JSON file. Returns an empty object for any other JSON value. */
export function parsed(json: string | Uint8Array | undefined): Readonly<Record<string, unknown>> {
  const value = parseJson(textOf(json));
  return isMapping(value) ? value : {};
}

/**
 * Writes JSON in the style of npm. A changed file keeps the style of its text before, `like`: the
 * byte order mark, the indentation, the ends of lines, and the end of the file.
 */
export function jsonText(value: object, like = "{\n  }\n"): string {
  const [, indent = "  "] = /^[^\S\r\n]*\{\r?\n([ \t]+)/.exec(like.replace(/^\uFEFF/, "")) ?? [];
  const isOneLine = !like.trim().includes("\n");
  const mark = like.startsWith("\uFEFF") ? "\uFEFF" : "";
  const [end = ""] = /\s*$/.exec(like) ?? [];
  const text = JSON.stringify(value, null, isOneLine ? "" : indent);
  return `${mark}${like.includes("\r\n") ? text.replaceAll("\n", "\r\n") : text}${end}`;
}

/** Decodes the content of a file of the templates. */
export function textOf(content: string | Uint8Array | undefined): string {
  if (content === undefined)
    throw new Error("a file of the templates is missing: install Peach again");
  return typeof content === "string" ? content : new TextDecoder().decode(content);
}
