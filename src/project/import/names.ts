/** Makes names that Peach accepts. */
import { NAME } from "../../compiler/schema-names.ts";

/** Hands out distinct names: a taken name gets a number. */
export class NameBook {
  readonly #taken = new Set<string>();

  /** Takes the first free name of `name`, `name_2`, `name_3` … */
  take(name: string): string {
    for (let number = 1; ; number++) {
      const suffix = number === 1 ? "" : `_${number}`;
      const candidate = `${name.slice(0, 64 - suffix.length)}${suffix}`;
      if (this.#taken.has(candidate)) continue;
      this.#taken.add(candidate);
      return candidate;
    }
  }
}

/** Makes the name of a task or an endpoint: letters, digits, `_` and `-`. */
export function entryName(original: string): string {
  if (NAME.test(original) && original !== "__proto__") return original;
  const name = original.replaceAll(/[^A-Za-z0-9_-]/g, "_").slice(0, 63);
  return name === "__proto__" || !/^[A-Za-z_]/.test(name) ? `_${name}` : name;
}

/** Words that Python allows as the name of a function and JavaScript does not. */
const RESERVED = new Set(
  (
    "await break case catch class const continue debugger default delete do else enum export " +
    "extends false finally for function if implements import in instanceof interface let new " +
    "null package private protected public return static super switch this throw true try typeof var " +
    "void while with yield arguments eval"
  ).split(" "),
);

/** Makes the name of an exported function. */
export function functionName(original: string): string {
  const name = original.replaceAll(/[^A-Za-z0-9_$]/g, "_");
  if (name === "" || /^\d/.test(name)) return `_${name}`;
  return RESERVED.has(name) ? `${name}_` : name;
}

/** Makes the name of a pipeline file from the path of a notebook, without its ending. */
export function moduleName(notebook: string): string {
  const base = (notebook.split(/[\\/]/).at(-1) ?? "").replace(/\.(ipynb|py)$/i, "");
  return (
    base
      .toLowerCase()
      .replaceAll(/[^a-z0-9_-]+/g, "-")
      .replaceAll(/^-+|-+$/g, "") || "imported"
  );
}
