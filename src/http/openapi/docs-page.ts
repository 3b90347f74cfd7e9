/**
 * Renders the OpenAPI document as a single HTML page, without scripts and other resources. The
 * policy of the page can therefore forbid everything except the style sheet. The page is the same
 * for every deployment.
 */
import * as z from "zod";
import { DOCS_STYLE } from "./docs-style.ts";

const schema = z.record(z.string(), z.unknown());
const content = z.record(z.string(), z.object({ schema: schema.optional() }));
/** The parts of the OpenAPI document that the page shows. */
const described = z.object({
  info: z.object({ title: z.string(), description: z.string() }),
  tags: z.array(z.object({ name: z.string(), description: z.string() })),
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        operationId: z.string(),
        tags: z.array(z.string()),
        summary: z.string(),
        description: z.string(),
        parameters: z
          .array(
            z.object({
              name: z.string(),
              in: z.string(),
              required: z.boolean(),
              description: z.string().optional(),
              schema,
            }),
          )
          .default([]),
        requestBody: z.object({ description: z.string(), content }).optional(),
        responses: z.record(
          z.string(),
          z.object({ description: z.string(), content: content.optional() }),
        ),
      }),
    ),
  ),
  components: z.object({ schemas: z.record(z.string(), schema) }),
});

type Described = z.infer<typeof described>;
type Call = Described["paths"][string][string];

/**
 * Renders the page of an OpenAPI document. Throws if the document lacks a part that
 * `openApiDocument` always writes.
 */
export function docsPage(document: unknown): string {
  const { info, tags, paths, components } = described.parse(document);
  const calls = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, call]) => ({ method: method.toUpperCase(), path, call })),
  );
  const groups = tags.map(({ name, description }) => {
    const own = calls.filter(({ call }) => call.tags.includes(name));
    return `<section><h2 id="${anchor(name)}">${escape(name)}</h2><p>${escape(description)}</p>${own
      .map(({ method, path, call }) => callHtml(method, path, call))
      .join("")}</section>`;
  });
  const contents = tags
    .map(({ name }) => `<a href="#${anchor(name)}">${escape(name)}</a>`)
    .join(" ");
  const schemas = Object.entries(components.schemas).map(
    ([name, one]) =>
      `<details id="schema-${escape(name)}"><summary><code>${escape(name)}</code></summary>${code(one)}</details>`,
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escape(info.title)} API</title><style>${DOCS_STYLE}</style></head><body>
<h1>${escape(info.title)} API</h1><p>${prose(info.description)}</p><p>For programs: <code>GET /api/v1/openapi.json</code>.</p>
<nav>${contents} <a href="#documents">Documents</a></nav>${groups.join("")}
<section><h2 id="documents">Documents</h2><p>As JSON Schemas.</p>${schemas.join("")}</section></body></html>`;
}

/** Renders one call: summary, parameters, body and answers. */
function callHtml(method: string, path: string, call: Call): string {
  const { operationId, summary, description, parameters, requestBody, responses } = call;
  return `<details id="${escape(operationId)}"><summary><b>${method}</b> <code>/api/v1${escape(path)}</code> <span>${prose(summary)}</span></summary>
<p>${prose(description)}</p>${parameters.length === 0 ? "" : parametersHtml(parameters)}${
    requestBody === undefined
      ? ""
      : `<h3>Body</h3><p>${prose(requestBody.description)} ${contentHtml(requestBody.content)}</p>`
  }<h3>Answers</h3><table>${Object.entries(responses)
    .map(([status, answer]) =>
      row(status, prose(answer.description), contentHtml(answer.content ?? {})),
    )
    .join("")}</table></details>`;
}

function parametersHtml(parameters: Call["parameters"]): string {
  const rows = parameters.map(({ name, in: place, required, description, schema: one }) =>
    row(
      `<code>${escape(name)}</code>`,
      `${place}${required ? "" : ", optional"}`,
      `${prose(description ?? "")} <code>${escape(JSON.stringify(one))}</code>`,
    ),
  );
  return `<h3>Parameters</h3><table>${rows.join("")}</table>`;
}

/** Lists content types, each with a link to its named schema. */
function contentHtml(types: z.infer<typeof content>): string {
  return Object.entries(types)
    .map(([type, { schema: one }]) => {
      const reference = one?.["$ref"];
      const name = typeof reference === "string" ? (reference.split("/").at(-1) ?? "") : "";
      return `<code>${escape(type)}</code>${name === "" ? "" : ` <a href="#schema-${escape(name)}">${escape(name)}</a>`}`;
    })
    .join(", ");
}

function row(...cells: readonly string[]): string {
  return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
}

function code(value: unknown): string {
  return `<pre>${escape(JSON.stringify(value, null, 2))}</pre>`;
}

/** Escapes text and turns backticks into `<code>`. */
function prose(text: string): string {
  return escape(text).replaceAll(/`([^`]+)`/g, "<code>$1</code>");
}

function anchor(name: string): string {
  return escape(name.toLowerCase().replaceAll(" ", "-"));
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

/** Escapes text for HTML content and attributes in double quotes. */
function escape(text: string): string {
  return text.replaceAll(/[&<>"]/g, (letter) => ENTITIES[letter] ?? letter);
}
