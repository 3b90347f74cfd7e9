/** Holds what the API answers against what its operations say that it answers. */
import { OPERATIONS } from "../../src/http/api/operations.ts";
import type { Operation } from "../../src/http/openapi/operation.ts";

const API = "/api/v1";

/** The operation that a request is for, or null if it is for none. */
export function operationOf(method: string, path: string): Operation | null {
  const { pathname } = new URL(path, "http://edge");
  const fits = (operation: Operation): boolean =>
    operation.method === method &&
    new RegExp(`^${API}${operation.path.replaceAll(".", "\\.").replace(/\{\w+\}/g, "[^/]+")}$`).test(pathname);
  // What is written out goes before a parameter, as in the router.
  return OPERATIONS.filter(fits).toSorted((a, b) => a.path.split("{").length - b.path.split("{").length)[0] ?? null;
}

/** Throws if a successful answer is not the document that its operation promises, or has more than that. */
export async function holdAgainstSchema(operation: Operation, response: Response): Promise<void> {
  if (!response.ok) return;
  const answer = Object.entries(operation.answers).find(([status]) => Number(status) === response.status)?.[1];
  if (answer === undefined) throw new Error(`${operation.id} says nothing of an answer with ${response.status}`);
  const isJson = response.headers.get("Content-Type")?.startsWith("application/json") ?? false;
  if (answer.document === undefined || (!isJson && (answer.contentTypes ?? []).length > 0)) return;
  const document: unknown = await response.clone().json();
  const parsed = answer.document.parse(document);
  // A schema leaves away what it does not know.
  const [said, known] = [sorted(document), sorted(parsed)];
  if (said !== known) throw new Error(`${operation.id} answers more than it says: ${said}\nof which it says: ${known}`);
}

function sorted(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
