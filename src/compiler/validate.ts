/**
 * Checks every key of a YAML file separately. A wrong value is reported and left out, even a single
 * item of a list, so that later checks still see the rest.
 */
import type { ErrorCode } from "../codes/codes.ts";
import type { Report, Warn } from "./diagnostic.ts";
import type { LoadedConf, Path } from "./conf-file.ts";
import { lookalikeHint } from "./lookalikes.ts";
import { misplacedKeys } from "./misplaced-keys.ts";
import { ENDPOINT_SHAPE } from "./schema-endpoint.ts";
import { NAME, nameHint } from "./schema-names.ts";
import { EXTERNAL_TASK_SHAPE, ROOT_SHAPE, TASK_REQUIRED, TASK_SHAPE } from "./schema.ts";
import type { EndpointConf, RootConf, TaskConf } from "./schema.ts";
import { type Finding, isMapping, parseKeys, type Parsed, type Shape } from "./schema-parts.ts";

/** A conf whose keys are each valid. Their combinations are not checked yet. */
export interface ValidConf {
  readonly root: RootConf;
  /** Tasks in file order. */
  readonly tasks: ReadonlyMap<string, TaskConf>;
  readonly endpoints: ReadonlyMap<string, EndpointConf>;
}

/** A conf whose combinations of keys are checked: the keys, their places, and the reports. */
export interface ConfCheck {
  readonly conf: ValidConf;
  readonly loaded: LoadedConf;
  readonly report: Report;
  readonly warn: Warn;
}

/**
 * The maximum number of passes. Leaving out a wrong key may make its mapping incomplete, and then
 * its list.
 */
const ROUNDS = 4;

/**
 * Checks every key of the file and reports all faults. The returned file is without the faulty
 * values; its paths are the paths of the conf.
 */
export function validateConf(
  given: LoadedConf,
  report: Report,
): { readonly conf: ValidConf; readonly loaded: LoadedConf } {
  let loaded = given;
  let read = readConf(loaded, report);
  for (let round = 1; round < ROUNDS && read.wrong.length > 0; round++) {
    const rest = loaded.without(read.wrong);
    if (rest === null) break;
    loaded = rest;
    // The first pass has reported these faults.
    read = readConf(loaded, () => {});
  }
  return { conf: read.conf, loaded };
}

/**
 * Makes one pass. `wrong` holds the written paths to leave out. Tasks and endpoints stay, since
 * other keys may name them.
 */
function readConf(
  loaded: LoadedConf,
  report: Report,
): { readonly conf: ValidConf; readonly wrong: readonly Path[] } {
  const checker = new KeyChecker(loaded, report);
  const conf = checkConf(loaded, report, checker);
  return {
    conf,
    wrong: checker.wrong.filter(([first, ...rest]) => !isNamed(first) || rest.length > 1),
  };
}

/** The keys whose entries have names, with the word for one entry. */
const NAMED = { tasks: "task", endpoints: "endpoint" } as const;
type NamedKey = keyof typeof NAMED;

/** Tests for a key whose entries have names. */
function isNamed(key: PropertyKey | undefined): boolean {
  return key !== undefined && Object.hasOwn(NAMED, key);
}

/** Tests if a value is a mapping with at least one entry. */
export function isNamesMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return isMapping(value) && Object.keys(value).length > 0;
}

/** Reports that the value of `tasks` or `endpoints` is no mapping of names. */
export function reportExpectedNames(key: NamedKey, loaded: LoadedConf, report: Report): void {
  const given = loaded.given([key]);
  report(
    "PEACH109",
    loaded.valueSpan([key]),
    `${key}: expected a mapping of ${NAMED[key]} names, given ${given === "a mapping" ? "an empty one" : given}`,
    { hint: `it is written as\n${key}:\n  name:\n    method: exported_function` },
  );
}

/**
 * Checks the root, then each task and endpoint. The value of `external` decides which keys a task
 * has.
 */
function checkConf(loaded: LoadedConf, report: Report, checker: KeyChecker): ValidConf {
  const raw = isMapping(loaded.value) ? checker.withoutMisplaced([], loaded.value) : loaded.value;
  const root = checker.mapping(ROOT_SHAPE, [], [], raw);
  if (!isMapping(raw)) return { root, tasks: new Map(), endpoints: new Map() };
  if (!Object.hasOwn(raw, "tasks") && !Object.hasOwn(raw, "endpoints")) {
    report("PEACH110", loaded.valueSpan([]), "neither `tasks` nor `endpoints` is there", {
      hint: "the file needs at least one task or endpoint",
    });
  }
  const tasks = new Map<string, TaskConf>();
  for (const [name, task] of checker.named("tasks", raw)) {
    const shape = isMapping(task) && task["external"] === true ? EXTERNAL_TASK_SHAPE : TASK_SHAPE;
    tasks.set(name, checker.mapping(shape, TASK_REQUIRED, ["tasks", name], task));
  }
  const endpoints = new Map<string, EndpointConf>();
  for (const [name, endpoint] of checker.named("endpoints", raw)) {
    const required = isMapping(endpoint) && Object.hasOwn(endpoint, "components") ? [] : ["method"];
    endpoints.set(name, checker.mapping(ENDPOINT_SHAPE, required, ["endpoints", name], endpoint));
  }
  return { root, tasks, endpoints };
}

/** The hint for a task or an endpoint without `method`. */
const METHOD_HINT = "write `method: NAME`: the function that a file under src/pipelines exports";

/** Stands for the value of a key whose own keys stand beside it, which is reported. */
const MISPLACED = Symbol("misplaced");

/** Checks mappings, reports their faults and remembers where they are. */
class KeyChecker {
  /** The written paths of all faults. */
  readonly wrong: Path[] = [];
  readonly #loaded: LoadedConf;
  readonly #report: Report;

  constructor(loaded: LoadedConf, report: Report) {
    this.#loaded = loaded;
    this.#report = report;
  }

  /** Checks one mapping at this path. */
  mapping<S extends Shape>(
    shape: S,
    required: readonly string[],
    at: Path,
    raw: unknown,
  ): Parsed<S> {
    if (raw === MISPLACED) return {};
    const { value, findings } = parseKeys(shape, required, raw);
    for (const finding of findings) this.#reportFinding(finding, at);
    return value;
  }

  /**
   * Reports keys that stand beside their owner. Returns the mapping without these keys; the value
   * of the owner is `MISPLACED`, which is checked no further.
   */
  withoutMisplaced(
    at: Path,
    mapping: Readonly<Record<string, unknown>>,
  ): Readonly<Record<string, unknown>> {
    // A task may be called `method`, but an empty key before such a task is no coincidence.
    const shape = at[0] === "endpoints" ? ENDPOINT_SHAPE : TASK_SHAPE;
    const belongs = (key: string, value: unknown): boolean =>
      at.length === 0
        ? Object.hasOwn(ROOT_SHAPE, key) || !isMapping(value)
        : !Object.hasOwn(shape, key);
    const rest = { ...mapping };
    for (const { owner, keys } of misplacedKeys(mapping, belongs)) {
      const [first = ""] = keys;
      const names = keys.map((key) => `\`${key}\``).join(keys.length === 2 ? " and " : ", ");
      this.#report(
        "PEACH022",
        this.#loaded.keySpan([...at, first]),
        `${pathText(at)}${names} ${keys.length === 1 ? "stands" : "stand"} beside ` +
          `\`${owner}\`, which is empty`,
        { hint: `indent what belongs to \`${owner}\` by two more spaces` },
      );
      for (const key of keys) delete rest[key];
      rest[owner] = MISPLACED;
    }
    return rest;
  }

  /** Returns the entries of `tasks` or `endpoints` that have a valid name. */
  named(key: NamedKey, root: Readonly<Record<string, unknown>>): [string, unknown][] {
    if (!Object.hasOwn(root, key)) return [];
    const given = root[key];
    if (given === MISPLACED) return [];
    if (!isNamesMapping(given)) {
      reportExpectedNames(key, this.#loaded, this.#report);
      return [];
    }
    return Object.entries(this.withoutMisplaced([key], given)).filter(([name]) => {
      const isTaken = name === "__proto__";
      if (NAME.test(name) && !isTaken) return true;
      this.#report(
        "PEACH108",
        this.#loaded.keySpan([key, name]),
        `${key}: expected the name of a ${NAMED[key]}, given ${JSON.stringify(name)}`,
        {
          hint: isTaken
            ? "JavaScript has a meaning of its own for this one: choose another"
            : nameHint(name),
        },
      );
      return false;
    });
  }

  /**
   * Reports a fault. A shorthand has fewer written parts than the path, so the written one is
   * shown.
   */
  #reportFinding({ code: kind, path, fault, message, hint: own }: Finding, at: Path): void {
    const place = this.#loaded.writtenPath([...at, ...path]);
    const given = fault === "value" ? this.#loaded.given(place) : String(place.at(-1) ?? "");
    const written = fault === "value" ? slipIn(given) : null;
    const code = written?.code ?? kind;
    const isMeant = fault === "value" && own?.startsWith("did you mean") === true;
    const seen = fault === "value" ? this.#asWritten(place, given) : given;
    const hint = written?.hint ?? (isMeant ? null : lookalikeHint(seen)) ?? own;
    this.wrong.push(place);
    switch (fault) {
      case "value":
        this.#report(
          code,
          this.#loaded.valueSpan(place),
          `${pathText(place)}expected ${message}, given ${given}`,
          { hint },
        );
        return;
      case "key":
        this.#report(code, this.#loaded.keySpan(place), `${pathText(place)}${message}`, { hint });
        return;
      case "missing":
        // The key itself is not written, so its mapping is shown.
        this.#report(code, this.#loaded.keySpan(place), `${pathText(place)}${message}`, {
          hint: hint ?? (path.at(-1) === "method" ? METHOD_HINT : null),
        });
    }
  }

  /** Returns the source of a plain value: what messages show has only the spaces of ASCII. */
  #asWritten(place: Path, given: string): string {
    const { source, start, end } = this.#loaded.valueSpan(place);
    const written = source.text.slice(start, end);
    const spaced = (text: string): string => text.replaceAll(/\s+/g, " ").trim();
    return spaced(written) === spaced(given) ? written : given;
  }
}

/**
 * Finds a slip in the notation of a value, whatever was expected: typographic quotes, or a list
 * item without a space behind the dash. Returns null for other values.
 */
function slipIn(given: string): { readonly code?: ErrorCode; readonly hint: string } | null {
  if (/^[“”„‟«»‘’‚]/.test(given))
    return { hint: `these quotes are typographic ones: write " in their place` };
  const [, item] = /^-([A-Za-z_]\S*)/.exec(given) ?? [];
  if (item === undefined) return null;
  return { code: "PEACH015", hint: `a list item has a space behind its dash: - ${item}` };
}

/** Renders a path as `tasks.a.on.r2[0].bucket: `. */
function pathText(path: Path): string {
  const text = path.reduce<string>((before, one) => {
    if (typeof one === "number") return `${before}[${one}]`;
    return before === "" ? String(one) : `${before}.${String(one)}`;
  }, "");
  return text === "" ? "" : `${text}: `;
}
