/**
 * Turns a configuration of the original Peach into a peach.conf and stubs of its functions. A value
 * is taken over only if the schema of peach.conf accepts it; every further key becomes a note.
 */
import { stringify } from "yaml";
import { parseKeys, type Shape } from "../../compiler/schema-parts.ts";
import { ENDPOINT_SHAPE } from "../../compiler/schema-endpoint.ts";
import { ROOT_SHAPE, TASK_SHAPE } from "../../compiler/schema.ts";
import { positionAt, type Span } from "../../compiler/source.ts";
import { ownPathOf } from "../../domain/plan/reserved-paths.ts";
import { oneLine } from "./lines.ts";
import { codeInNotebook } from "./notebook.ts";
import { entryName, functionName, moduleName, NameBook } from "./names.ts";
import type {
  Original,
  OriginalEndpoint,
  OriginalKey,
  OriginalMethod,
  OriginalTask,
} from "./original.ts";
import { type Stub, stubFile } from "./stubs.ts";

/** The files and notes of an import. */
export interface Imported {
  readonly conf: string;
  /** The pipeline files by their name under the pipelines folder. */
  readonly pipelines: Readonly<Record<string, string>>;
  /** Work for a person, with places in the original. */
  readonly notes: readonly Note[];
}

export interface Note {
  /** `peach.yaml:LINE:COL`. */
  readonly place: string;
  readonly text: string;
}

/** Makes peach.conf and the stubs. `readNotebook` returns null for a notebook that is not there. */
export function importConf(
  original: Original,
  readNotebook: (path: string) => string | null,
): Imported {
  return new Importer(readNotebook).import(original);
}

/** The line by which editors find the schema of peach.conf. */
const SCHEMA_LINE = "# yaml-language-server: $schema=./src/generated/peach.schema.json";
/** The longest timeout of a task that runs on the platform. */
const LONGEST = "14m";

class Importer {
  readonly #notes: (Note & { readonly span: Span })[] = [];
  readonly #modules = new Map<string, Stub[]>();
  readonly #functions = new Map<string, string>();
  readonly #functionNames = new NameBook();
  readonly #readNotebook: (path: string) => string | null;

  constructor(readNotebook: (path: string) => string | null) {
    this.#readNotebook = readNotebook;
  }

  import(original: Original): Imported {
    const names = this.#nameEntries(original.tasks);
    const children = new Set(original.tasks.flatMap(childrenOf));
    const tasks = original.tasks.map((task, index) =>
      this.#task(task, {
        name: names.all[index] ?? task.name,
        tasks: names.byOriginal,
        isRoot: !children.has(task.name),
      }),
    );
    const endpointNames = this.#nameEntries(original.endpoints).all;
    const urls = new Set<string>();
    const endpoints = original.endpoints.map((endpoint, index) =>
      this.#endpoint(endpoint, endpointNames[index] ?? endpoint.name, urls),
    );
    for (const key of original.rest) this.#noteRootKey(key);
    const pipelines = Object.fromEntries(
      [...this.#modules].map(([name, stubs]) => [`${name}.ts`, stubFile(stubs)]),
    );
    return {
      conf: confText(original.codops, tasks, endpoints),
      pipelines,
      notes: inPlaceOrder(this.#notes),
    };
  }

  /** Gives each entry a distinct name that Peach accepts. */
  #nameEntries(entries: readonly { readonly name: string; readonly span: Span }[]): {
    readonly all: readonly string[];
    readonly byOriginal: ReadonlyMap<string, string>;
  } {
    const book = new NameBook();
    const byOriginal = new Map<string, string>();
    const all = entries.map(({ name, span }) => {
      const taken = book.take(entryName(name));
      if (taken !== name) this.#note(span, `\`${name}\` is called \`${taken}\` now`);
      if (!byOriginal.has(name)) byOriginal.set(name, taken);
      return taken;
    });
    return { all, byOriginal };
  }

  #task(
    task: OriginalTask,
    given: {
      readonly name: string;
      /** The new names of all tasks, by their original ones. */
      readonly tasks: ReadonlyMap<string, string>;
      readonly isRoot: boolean;
    },
  ): string {
    const { name, tasks, isRoot } = given;
    const method = this.#method(task, task.name, "task", task.span);
    const lines = [`method: ${method}`];
    let timeout: string | null = null;
    let hasSchedule = false;
    let hasOn = false;
    for (const one of task.rest) {
      const { key, span } = one;
      if (key === "downstream") {
        const children = this.#downstream(one, tasks);
        if (children.length > 0) lines.push(`downstream: ${flow(children)}`);
        continue;
      }
      const renamed = key === "cron" ? "schedule" : key;
      if (renamed === "schedule" && hasSchedule) {
        this.#note(
          span,
          `\`${key}: ${flow(one.value)}\` is not taken over: the task has another schedule already`,
        );
        continue;
      }
      const value = renamed === "timeout" ? this.#timeout(one) : one.value;
      if (!this.#takesOver(TASK_SHAPE, renamed, value, one)) continue;
      if (renamed === "timeout") timeout = String(value);
      else lines.push(`${renamed}: ${flow(value)}`);
      hasSchedule ||= renamed === "schedule";
      hasOn ||= renamed === "on";
      if (renamed === "schedule")
        this.#note(span, "the schedule is in UTC unless `timezone` says otherwise");
    }
    // The original allows an hour for each task.
    lines.push(`timeout: ${timeout ?? LONGEST}`);
    if (isRoot && !hasSchedule && !hasOn)
      lines.push(
        `# schedule: "0 * * * *"   # the original ran it in a loop; here a trigger starts it`,
      );
    return entryText(name, lines);
  }

  /** Lists the children that are tasks of the configuration, by their new names. */
  #downstream({ value, span }: OriginalKey, tasks: ReadonlyMap<string, string>): string[] {
    return namesIn(value).flatMap((child) => {
      const name = tasks.get(child);
      if (name === undefined) this.#note(span, `downstream names \`${child}\`, which is no task`);
      return name ?? [];
    });
  }

  /** Converts a timeout: seconds get their unit, and a longer timeout is cut. */
  #timeout({ value, span }: OriginalKey): unknown {
    const text = typeof value === "number" ? `${value}s` : value;
    if (accepts(TASK_SHAPE, "timeout", text)) return text;
    this.#note(
      span,
      `a timeout of ${flow(value)} is not possible: an attempt takes ${LONGEST} at most. Longer work is an \`external\` task, or several tasks`,
    );
    return LONGEST;
  }

  #endpoint(endpoint: OriginalEndpoint, name: string, urls: Set<string>): string {
    const methods = endpoint.components.map((component) =>
      this.#method(component, component.name, "endpoint", component.span),
    );
    const [first, ...others] = methods;
    if (first === undefined) this.#note(endpoint.span, "the endpoint has no component");
    if (others.length > 0)
      this.#note(
        endpoint.span,
        `the endpoint has ${methods.length} components (${methods.join(", ")}), and \`method\` calls the first: choose between them in it`,
      );
    for (const { name: component, rest } of endpoint.components)
      for (const { key, value, span } of rest)
        this.#note(
          span,
          `\`${key}: ${flow(value)}\` of the component ${component} is not taken over`,
        );
    const lines = [
      `method: ${first ?? this.#method(NO_METHOD, name, "endpoint", endpoint.span)}`,
      `url: ${this.#url(endpoint, name, urls)}`,
    ];
    for (const one of endpoint.rest) {
      if (one.key === "url") continue;
      if (this.#takesOver(ENDPOINT_SHAPE, one.key, one.value, one))
        lines.push(`${one.key}: ${flow(one.value)}`);
    }
    if (!lines.some((line) => line.startsWith("auth: "))) {
      lines.push("auth: none");
      this.#note(
        endpoint.span,
        `everybody may call the endpoint \`${name}\`: if it triggers a task, demand a token or a signature by \`auth\``,
      );
    }
    return entryText(name, lines);
  }

  /** Chooses a url that Peach accepts and that no earlier endpoint has. */
  #url({ rest, span }: OriginalEndpoint, name: string, urls: Set<string>): string {
    const written = rest.find(({ key }) => key === "url");
    const given = typeof written?.value === "string" ? written.value : `/${name}`;
    const slashed = given.startsWith("/") ? given : `/${given}`;
    const params = slashed.replaceAll(/<(?:\w+:)?(\w+)>|\{(\w+)\}/g, (_all, a, b) => `:${a ?? b}`);
    const free = [params, `/${name}`, `/imported/${name}`].find(
      (url) =>
        accepts(ENDPOINT_SHAPE, "url", url) && ownPathOf(url) === null && !urls.has(patternOf(url)),
    );
    const url = free ?? `/imported/${name}-${urls.size}`;
    urls.add(patternOf(url));
    if (url !== given) this.#note(written?.span ?? span, `the url ${given} is ${url} now`);
    return url;
  }

  /** Makes the stub of a function, once, and returns its exported name. */
  #method(
    { notebook, method, fullNotebook }: OriginalMethod,
    entry: string,
    kind: Stub["kind"],
    span: Span,
  ): string {
    const id = JSON.stringify([notebook, method ?? entry, kind]);
    const known = this.#functions.get(id);
    if (known !== undefined) return known;
    const name = this.#functionNames.take(functionName(method ?? entry));
    this.#functions.set(id, name);
    const text = notebook === null ? null : this.#readNotebook(notebook);
    const python = text === null ? null : codeInNotebook(text, { method, fullNotebook });
    const module = notebook === null ? "imported" : moduleName(notebook);
    const from = `${notebook ?? "the original"}${method === null ? "" : `: ${method}`}`;
    const stubs = this.#modules.get(module) ?? [];
    this.#modules.set(module, [...stubs, { name, kind, from, python }]);
    const missing = notebook !== null && python === null ? "; its code was not found" : "";
    this.#note(span, `write ${name} in src/pipelines/${module}.ts, from ${from}${missing}`);
    if (method !== null && name !== method)
      this.#note(span, `the function ${method} is called ${name} now`);
    return name;
  }

  /** Tests if peach.conf has this key and accepts the value; makes a note if not. */
  #takesOver(shape: Shape, key: string, value: unknown, original: OriginalKey): boolean {
    if (Object.hasOwn(shape, key) && accepts(shape, key, value)) return true;
    const why = DEPENDENCY_KEYS.has(original.key)
      ? "install npm packages in place of the Python ones"
      : "peach.conf has nothing like it";
    this.#note(
      original.span,
      `\`${original.key}: ${flow(original.value)}\` is not taken over: ${why}`,
    );
    return false;
  }

  #noteRootKey({ key, value, span }: OriginalKey): void {
    this.#note(
      span,
      DEPENDENCY_KEYS.has(key)
        ? `\`${key}\` is not taken over: install npm packages in place of ${flow(value)}`
        : `\`${key}\` is not taken over: peach.conf has nothing like it`,
    );
  }

  #note(span: Span, text: string): void {
    const { line, column } = positionAt(span.source, span.start);
    const place = `${span.source.path}:${line}:${column}`;
    this.#notes.push({ span, place, text: oneLine(text) });
  }
}

/** Sorts notes by their places. Files stay in the order in which they were read. */
function inPlaceOrder(notes: readonly (Note & { readonly span: Span })[]): Note[] {
  const files = [...new Set(notes.map(({ span }) => span.source))];
  return notes
    .toSorted(
      (a, b) =>
        files.indexOf(a.span.source) - files.indexOf(b.span.source) || a.span.start - b.span.start,
    )
    .map(({ place, text }) => ({ place, text }));
}

const NO_METHOD: OriginalMethod = { notebook: null, method: null, fullNotebook: false };

/** The names that `downstream` of a task gives. */
function childrenOf({ rest }: OriginalTask): string[] {
  return rest.flatMap(({ key, value }) => (key === "downstream" ? namesIn(value) : []));
}

/** Reads a name or a list of names; each once. */
function namesIn(value: unknown): string[] {
  return [...new Set(Array.isArray(value) ? value.map(String) : [String(value)])];
}

/** The keys that choose Python packages. */
const DEPENDENCY_KEYS = new Set(["py_env", "py_environments", "dependencies"]);

function accepts(shape: Shape, key: string, value: unknown): boolean {
  return parseKeys(shape, [], { [key]: value }).findings.length === 0;
}

/** Makes the same text of urls that answer the same requests: names of params do not count. */
function patternOf(url: string): string {
  return url.replaceAll(/:\w+/g, ":");
}

/** Writes a value on one line of YAML. */
function flow(value: unknown): string {
  return stringify(value, {
    collectionStyle: "flow",
    lineWidth: 0,
    blockQuote: false,
    flowCollectionPadding: false,
  })
    .trim()
    .replaceAll(/\s*\n\s*/g, " ");
}

function entryText(name: string, lines: readonly string[]): string {
  return [`  ${name}:`, ...lines.map((line) => `    ${line}`)].join("\n");
}

function confText(
  codops: string | null,
  tasks: readonly string[],
  endpoints: readonly string[],
): string {
  const head =
    codops !== null && accepts(ROOT_SHAPE, "codops", codops) ? [`codops: ${flow(codops)}`] : [];
  const parts = [
    ...head,
    ...(tasks.length === 0 ? [] : [["tasks:", ...tasks].join("\n")]),
    ...(endpoints.length === 0 ? [] : [["endpoints:", ...endpoints].join("\n")]),
  ];
  const note = "# Made by `peach import`. IMPORT.md lists what needs a person.";
  return `${SCHEMA_LINE}\n${[note, ...parts].join("\n\n")}\n`;
}
