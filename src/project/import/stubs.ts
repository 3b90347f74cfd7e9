/** Makes the pipeline files of an import: a function for each method, below its Python code. */

import { oneLine } from "./lines.ts";

/** A function that peach.conf will name. */
export interface Stub {
  /** The exported name. */
  readonly name: string;
  readonly kind: "task" | "endpoint";
  /** The place in the original, such as `notebooks/reco.ipynb: by_history`. */
  readonly from: string;
  /** The Python code; null if it was not found. */
  readonly python: readonly string[] | null;
}

/** Makes the text of one pipeline file. */
export function stubFile(stubs: readonly Stub[]): string {
  const hasTasks = stubs.some(({ kind }) => kind === "task");
  const hasEndpoints = stubs.some(({ kind }) => kind === "endpoint");
  const names = hasTasks
    ? `{ NonRetryableError${hasEndpoints ? ", type EndpointContext" : ""} }`
    : "type { EndpointContext }";
  return `import ${names} from "peach/task-helpers";\n\n${stubs.map(stubText).join("\n")}`;
}

function stubText({ name, kind, from, python }: Stub): string {
  const code =
    python === null
      ? []
      : ["//", ...python.map((line) => `//${line === "" ? "" : `     ${line}`}`), "//"];
  const lines = [`// From ${oneLine(from)}. Write it in TypeScript here.`, ...code];
  return `${lines.join("\n")}\n${kind === "task" ? taskText(name, from) : endpointText(name)}`;
}

function taskText(name: string, from: string): string {
  return `export async function ${name}(_payload: unknown): Promise<unknown> {
  throw new NonRetryableError(${JSON.stringify(`${name} is not written yet: see ${from}`)});
}
`;
}

function endpointText(name: string): string {
  return `export async function ${name}(_request: Request, _endpoint: EndpointContext): Promise<Response> {
  return Response.json({ error: ${JSON.stringify(`${name} is not written yet`)} }, { status: 501 });
}
`;
}
