/**
 * From YAML to a conf whose every key has been checked by itself. What is wrong is reported and left out, be it one item of a list, so
 * that later checks still see all the rest.
 */
import type { Report } from "./diagnostic.ts";
import type { LoadedConf, Path } from "./load.ts";
import { ENDPOINT_SHAPE, EXTERNAL_TASK_SHAPE, NAME, ROOT_SHAPE, TASK_SHAPE } from "./schema.ts";
import type { EndpointConf, RootConf, TaskConf } from "./schema.ts";
import { type Finding, isMapping, parseKeys, type Parsed, type Shape } from "./schema-parts.ts";

/** Each key is right by itself; nothing is said of how they go together. */
export interface ValidConf {
  readonly root: RootConf;
  /** In file order. */
  readonly tasks: ReadonlyMap<string, TaskConf>;
  readonly endpoints: ReadonlyMap<string, EndpointConf>;
}

/** To leave out a wrong key may leave its mapping, and then its list, without what they need. */
const ROUNDS = 4;

/**
 * Checks every key of the file and reports all that is wrong with them. The file that comes with the conf is the one without that: its
 * paths are those of the conf.
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
    // It has been said.
    read = readConf(loaded, () => {});
  }
  return { conf: read.conf, loaded };
}

/** `wrong`: the written places that can be left out. A task or an endpoint cannot: others may name it. */
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

function isNamed(key: PropertyKey | undefined): boolean {
  return key === "tasks" || key === "endpoints";
}

function checkConf(loaded: LoadedConf, report: Report, checker: KeyChecker): ValidConf {
  const raw = loaded.value;
  const root = checker.mapping(ROOT_SHAPE, [], [], raw);
  if (!isMapping(raw)) return { root, tasks: new Map(), endpoints: new Map() };
  if (!Object.hasOwn(raw, "tasks") && !Object.hasOwn(raw, "endpoints")) {
    report(loaded.valueSpan([]), "neither `tasks` nor `endpoints` is there", {
      hint: "the file needs at least one task or endpoint",
    });
  }
  const tasks = new Map<string, TaskConf>();
  for (const [name, task] of checker.named("tasks", "task", raw)) {
    const shape = isMapping(task) && task["external"] === true ? EXTERNAL_TASK_SHAPE : TASK_SHAPE;
    tasks.set(name, checker.mapping(shape, ["method"], ["tasks", name], task));
  }
  const endpoints = new Map<string, EndpointConf>();
  for (const [name, endpoint] of checker.named("endpoints", "endpoint", raw)) {
    endpoints.set(name, checker.mapping(ENDPOINT_SHAPE, ["method"], ["endpoints", name], endpoint));
  }
  return { root, tasks, endpoints };
}

class KeyChecker {
  /** Where something was wrong. */
  readonly wrong: Path[] = [];
  readonly #loaded: LoadedConf;
  readonly #report: Report;

  constructor(loaded: LoadedConf, report: Report) {
    this.#loaded = loaded;
    this.#report = report;
  }

  mapping<S extends Shape>(
    shape: S,
    required: readonly string[],
    at: Path,
    raw: unknown,
  ): Parsed<S> {
    const { value, findings } = parseKeys(shape, required, raw);
    for (const finding of findings) this.#reportFinding(finding, at);
    return value;
  }

  /** The entries of `tasks` or `endpoints` that may be called as they are. */
  named(key: string, what: string, root: Readonly<Record<string, unknown>>): [string, unknown][] {
    if (!Object.hasOwn(root, key)) return [];
    const entries = root[key];
    if (!isMapping(entries) || Object.keys(entries).length === 0) {
      const given = isMapping(entries) ? "an empty one" : this.#loaded.given([key]);
      this.#report(
        this.#loaded.valueSpan([key]),
        `${key}: expected a mapping of ${what} names, given ${given}`,
        {
          hint: `it is written as\n${key}:\n  name:\n    method: exported_function`,
        },
      );
      return [];
    }
    return Object.entries(entries).filter(([name]) => {
      const isTaken = name === "__proto__";
      if (NAME.test(name) && !isTaken) return true;
      this.#report(
        this.#loaded.keySpan([key, name]),
        `${key}: expected the name of a ${what}, given ${JSON.stringify(name)}`,
        {
          hint: isTaken
            ? "JavaScript has a meaning of its own for this one: choose another"
            : "a name begins with a letter or _, goes on with letters, digits, _ and -, and has at most 64 of them",
        },
      );
      return false;
    });
  }

  #reportFinding({ path, fault, message, hint }: Finding, at: Path): void {
    const place = this.#loaded.writtenPath([...at, ...path]);
    this.wrong.push(place);
    switch (fault) {
      case "value":
        this.#report(
          this.#loaded.valueSpan(place),
          `${pathText(place)}expected ${message}, given ${this.#loaded.given(place)}`,
          { hint },
        );
        return;
      case "key":
        this.#report(this.#loaded.keySpan(place), `${pathText(place)}${message}`, { hint });
        return;
      case "missing":
        // The key is not written: the mapping is the last that is.
        this.#report(this.#loaded.keySpan(place), `${pathText(place)}${message}`, { hint });
    }
  }
}

function pathText(path: Path): string {
  const text = path.reduce<string>((before, one) => {
    if (typeof one === "number") return `${before}[${one}]`;
    return before === "" ? String(one) : `${before}.${String(one)}`;
  }, "");
  return text === "" ? "" : `${text}: `;
}
