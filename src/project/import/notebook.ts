/** Finds the Python code of a function in a Jupyter notebook. */
import { isMapping } from "../../compiler/schema-parts.ts";
import { splitLines } from "./lines.ts";

/**
 * Returns the lines of the cell that defines this function, or of all code cells. Returns null if
 * the text is no notebook or no cell defines the function.
 */
export function codeInNotebook(
  notebook: string,
  { method, fullNotebook }: { readonly method: string | null; readonly fullNotebook: boolean },
): readonly string[] | null {
  const cells = codeCells(notebook);
  if (cells === null) return null;
  if (fullNotebook || method === null) return linesOf(cells.join("\n\n"));
  const definition = new RegExp(`^(async +)?def +${method.replaceAll(/\W/g, "")}\\b`, "m");
  const cell = cells.find((text) => definition.test(text));
  return cell === undefined ? null : linesOf(cell);
}

function linesOf(text: string): string[] {
  return splitLines(text.trimEnd());
}

/** Lists the texts of the code cells. A cell holds a text, or a list of lines. */
function codeCells(notebook: string): string[] | null {
  let document: unknown;
  try {
    document = JSON.parse(notebook);
  } catch {
    return null;
  }
  const cells = isMapping(document) ? document["cells"] : null;
  if (!Array.isArray(cells)) return null;
  return cells.flatMap((cell: unknown) => {
    if (!isMapping(cell) || cell["cell_type"] !== "code") return [];
    const source = cell["source"];
    return Array.isArray(source) ? [source.join("")] : typeof source === "string" ? [source] : [];
  });
}
