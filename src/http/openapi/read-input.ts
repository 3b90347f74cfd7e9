/**
 * Validates path, query and headers by the schemas of the operation. A refusal names every wrong
 * place, not only the first.
 */
import type { Context } from "hono";
import * as z from "zod";
import { nearest } from "../../domain/nearest.ts";
import { ok, refuse, type Problem, type Result } from "../../domain/problem.ts";
import { MAX_WRONG_PLACES } from "../../payloads/misfit.ts";
import type { HttpEnv } from "../http-env.ts";
import type { InputOf, Operation } from "./operation.ts";

const NOTHING = z.strictObject({});
/** Characters of a value that a problem repeats. */
const SHOWN_LETTERS = 200;

/** Part of the request, with the word for problems about it. */
interface Part {
  readonly word: "path" | "query" | "header";
  readonly schema: z.ZodObject;
  readonly given: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** Reads path, query and headers; refuses with `invalid_request`. */
export function readInput<O extends Operation>(
  c: Context<HttpEnv>,
  operation: O,
): Result<InputOf<O>> {
  const { params = NOTHING, query = NOTHING, headers = NOTHING } = operation;
  const names = Object.keys(headers.shape);
  const parts = {
    params: read({ word: "path", schema: params, given: c.req.param() }),
    query:
      refuseRepeated(c, query) ?? read({ word: "query", schema: query, given: queryOf(c, query) }),
    headers: read({
      word: "header",
      schema: headers,
      given: Object.fromEntries(names.map((name) => [name, c.req.header(name)])),
    }),
  };
  const wrong = Object.values(parts).flatMap((part) => (part.ok ? [] : [part.problem]));
  const [first] = wrong;
  if (first !== undefined) {
    const detail = wrong.map((problem) => problem.detail).join(" ");
    return refuse({ ...first, detail, errors: wrong.flatMap(({ errors = [] }) => errors) });
  }
  const values = Object.fromEntries(
    Object.entries(parts).map(([name, part]) => [name, part.ok ? part.value : {}]),
  );
  // The schema in the result's type has parsed each part. The compiler cannot follow that through
  // the generic.
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return ok(values as unknown as InputOf<O>);
}

/** The query by name; a parameter that may be repeated has a list. */
function queryOf(c: Context<HttpEnv>, { shape }: z.ZodObject): Part["given"] {
  return Object.fromEntries(
    Object.entries(c.req.queries()).map(([name, values]) => [
      name,
      isList(shape[name]) ? values : values[0],
    ]),
  );
}

/** Tests for a parameter that may be repeated. */
function isList(schema: z.core.SomeType | undefined): boolean {
  return unwrapped(schema) instanceof z.ZodArray;
}

/** Refuses a repeated query parameter: all values but the first would be ignored. */
function refuseRepeated(c: Context<HttpEnv>, { shape }: z.ZodObject): Result<never> | null {
  const repeated = Object.entries(c.req.queries()).find(
    ([name, values]) => values.length > 1 && !isList(shape[name]),
  );
  if (repeated === undefined) return null;
  const name = repeated[0].slice(0, SHOWN_LETTERS);
  return refuse({
    code: "invalid_request",
    detail: `The query \`${name}\` is given ${repeated[1].length} times.`,
    hint: "Give it once; where several values are possible, separate them by commas.",
    errors: [{ path: `query.${name}`, message: "is given more than once" }],
  });
}

function read(part: Part): Result<Record<string, unknown>> {
  const { schema, given } = part;
  const values = Object.fromEntries(
    Object.entries(given).flatMap(([name, text]) =>
      text === undefined ? [] : [[name, valueOf(schema.shape[name], text)]],
    ),
  );
  const parsed = schema.safeParse(values);
  return parsed.success ? ok(parsed.data) : refuse(misfit(part, parsed.error.issues));
}

/**
 * Converts text to the type that the schema expects: a number or a boolean, if the text is written
 * like one.
 */
function valueOf(schema: z.core.SomeType | undefined, text: string | readonly string[]): unknown {
  if (typeof text !== "string") return text;
  const wanted = unwrapped(schema);
  if (wanted instanceof z.ZodNumber && /^-?\d{1,15}$/.test(text)) return Number(text);
  if (wanted instanceof z.ZodBoolean && (text === "true" || text === "false"))
    return text === "true";
  return text;
}

/** Removes the wrappers of default and optional. */
function unwrapped(schema: z.core.SomeType | undefined): z.core.SomeType | undefined {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional)
    return unwrapped(schema.unwrap());
  return schema;
}

/** Builds one problem from all issues of a part. */
function misfit(part: Part, issues: readonly z.core.$ZodIssue[]): Problem {
  const faults = issues.flatMap((issue) => faultsOf(part, issue)).slice(0, MAX_WRONG_PLACES);
  return {
    code: "invalid_request",
    detail: faults.map(({ detail }) => detail).join(" "),
    hint: faults[0]?.hint ?? "Correct it.",
    errors: faults.map(({ path, message }) => ({ path, message })),
  };
}

interface Fault {
  readonly path: string;
  readonly message: string;
  readonly detail: string;
  readonly hint: string;
}

/**
 * Describes an issue: a name that is unknown (with the nearest known one), or a value that does not
 * match.
 */
function faultsOf({ word, schema, given }: Part, issue: z.core.$ZodIssue): Fault[] {
  if (issue.code === "unrecognized_keys") {
    const known = Object.keys(schema.shape);
    return issue.keys.map((name) => {
      const meant = nearest(name, known);
      return {
        path: `${word}.${name.slice(0, SHOWN_LETTERS)}`,
        message: "is not known",
        detail: `The call has no ${word} parameter ${JSON.stringify(name.slice(0, SHOWN_LETTERS))}.`,
        hint:
          meant !== null
            ? `Did you mean \`${meant}\`?`
            : `It has ${known.length === 0 ? "none" : known.join(", ")}.`,
      };
    });
  }
  const name = String(issue.path[0] ?? "");
  const text = given[name];
  const has =
    text === undefined
      ? "it is missing"
      : `it is ${JSON.stringify(String(text).slice(0, SHOWN_LETTERS))}`;
  return [
    {
      path: `${word}.${name}`,
      message: issue.message,
      detail: `The ${word} \`${name}\` must be ${issue.message}; ${has}.`,
      hint: `Correct it (${issue.message}), or leave it away if it is not needed.`,
    },
  ];
}
