/** Finds the exported function of each `method` (and `module`) in peach.conf. */
import { mayExport, type PipelineModule } from "./discover.ts";
import type { Report } from "./diagnostic.ts";
import type { LoadedConf, Path } from "./conf-file.ts";
import { KnownNames } from "./known-names.ts";
import type { Span } from "./source.ts";

/** A method that was found among the exports. */
export interface ResolvedMethod {
  /** The key in the registry: `method`, or `module#method` if peach.conf names the module. */
  readonly key: string;
  /** The name under which the file exports the function. */
  readonly exportName: string;
  /** The module's name as in `module#method`. */
  readonly module: string;
  /** The absolute path of the file. */
  readonly file: string;
  /** The place in peach.conf that names the method, and its path as the start of a message. */
  readonly span: Span;
  readonly place: string;
}

/** A method that peach.conf names. */
interface Wanted {
  readonly method: string;
  readonly module: string | undefined;
  /** The path of the task or endpoint. */
  readonly at: Path;
  /** The key that names the method. */
  readonly key: "method" | "fallback";
  /** The path of the mapping that has `module`. Default: `at`. */
  readonly moduleAt?: Path;
}

/**
 * Looks up methods in the exports of the pipelines, and reports the ones that are missing or
 * ambiguous.
 */
export class MethodFinder {
  readonly #modules: readonly PipelineModule[];
  readonly #loaded: LoadedConf;
  readonly #report: Report;
  /** The pipelines folder as diagnostics show it. */
  readonly #folder: string;
  /** The places of modules that do not exist, each reported once. */
  readonly #missing = new Set<string>();
  /** The names of all exports; null until a hint needs them. */
  #allExports: KnownNames | null = null;

  constructor(
    modules: readonly PipelineModule[],
    folder: string,
    loaded: LoadedConf,
    report: Report,
  ) {
    this.#modules = modules;
    this.#folder = folder;
    this.#loaded = loaded;
    this.#report = report;
  }

  /**
   * Finds a method. Without `module` its name must be unique among all pipeline files. Reports a
   * method that is not found and returns null. A method that may stand behind a syntax error is not
   * reported, since the error is.
   */
  find(wanted: Wanted): ResolvedMethod | null {
    const { method, module, at, key } = wanted;
    const span = this.#loaded.valueSpan([...at, key]);
    const place = `${at.join(".")}.${key}: `;
    if (module !== undefined) return this.#findIn(module, wanted);
    const holders = this.#modules.filter(({ exports }) => exports.has(method));
    const origins = new Set(holders.map(({ exports }) => exports.get(method)));
    // A re-export is no second candidate. The file that defines the function is preferred.
    const holder =
      holders.find(({ file, exports }) => exports.get(method)?.startsWith(`${file}#`)) ??
      holders[0];
    if (holder === undefined) {
      if (this.#modules.some((each) => mayExport(each, method))) return null;
      const hint = this.#hintFor(method, this.#modules);
      this.#report(
        "PEACH301",
        span,
        `${place}no file under ${this.#folder} exports \`${method}\``,
        { hint },
      );
      return null;
    }
    if (origins.size > 1) {
      const names = holders.map(({ name }) => name);
      this.#report(
        "PEACH302",
        span,
        `${place}${names.length} files export \`${method}\`: ${names.map((name) => `${name}.ts`).join(", ")}`,
        {
          hint: `choose one with \`module\`, e.g. module: ${names[0] ?? ""}`,
        },
      );
      return null;
    }
    return { key: method, exportName: method, module: holder.name, file: holder.file, span, place };
  }

  /** Finds a method in the module that peach.conf names. */
  #findIn(module: string, { method, at, key, moduleAt = at }: Wanted): ResolvedMethod | null {
    const found = this.#modules.find(({ name }) => name === module);
    if (found === undefined) {
      // Reported once, at the module, however many methods are looked for there.
      const place = moduleAt.join(".");
      if (!this.#missing.has(place)) this.#reportNoModule(module, moduleAt);
      this.#missing.add(place);
      return null;
    }
    const span = this.#loaded.valueSpan([...at, key]);
    const place = `${at.join(".")}.${key}: `;
    if (found.exports.has(method)) {
      return {
        key: `${module}#${method}`,
        exportName: method,
        module,
        file: found.file,
        span,
        place,
      };
    }
    if (mayExport(found, method)) return null;
    const others = this.#modules
      .filter(({ exports }) => exports.has(method))
      .map(({ name }) => name);
    const elsewhere =
      others.length > 0
        ? `it is exported by ${others.map((name) => `module: ${name}`).join(", ")}`
        : null;
    this.#report(
      "PEACH301",
      this.#loaded.valueSpan([...at, key]),
      `${at.join(".")}.${key}: ${module}.ts does not export \`${method}\``,
      {
        hint: elsewhere ?? this.#hintFor(method, [found]),
      },
    );
    return null;
  }

  /** Reports an unknown module with the most similar name. `./` and `.ts` are usual slips. */
  #reportNoModule(module: string, at: Path): void {
    const names = new KnownNames(this.#modules.map(({ name }) => name));
    const near = names.nearest(module.replace(/^\.\//, "").replace(/\.ts$/, ""));
    const known =
      this.#modules.length === 0
        ? `there is no .ts file under ${this.#folder}`
        : `modules: ${names.list()}`;
    this.#report(
      "PEACH303",
      this.#loaded.valueSpan([...at, "module"]),
      `${at.join(".")}.module: there is no module \`${module}\` under ${this.#folder}`,
      {
        hint: near === null ? known : `did you mean \`${near}\`? ${known}`,
      },
    );
  }

  /** Proposes the most similar export, or lists the exports. */
  #hintFor(method: string, modules: readonly PipelineModule[]): string {
    const names = this.#exportsOf(modules);
    const near = names.nearest(method);
    if (near !== null) {
      const holder = modules.find(({ exports }) => exports.has(near))?.name ?? "";
      return `did you mean \`${near}\` of ${holder}.ts?`;
    }
    const [barrel] = modules.filter(({ unread }) => unread.length > 0);
    if (barrel !== undefined) {
      const request = JSON.stringify(barrel.unread[0]);
      return (
        `${barrel.name}.ts has \`export * from ${request}\`, and packages are not read: ` +
        `write export { ${method} } from ${request}`
      );
    }
    return names.list() === ""
      ? `export a function of this name from a .ts file under ${this.#folder}`
      : `exported: ${names.list()}`;
  }

  /** Returns the names of exports. The names of all modules are collected once. */
  #exportsOf(modules: readonly PipelineModule[]): KnownNames {
    const collect = (): KnownNames =>
      new KnownNames(new Set(modules.flatMap(({ exports }) => [...exports.keys()])));
    if (modules !== this.#modules) return collect();
    this.#allExports ??= collect();
    return this.#allExports;
  }
}

/** Maps each unambiguous export name to its module, with the same choice as `MethodFinder`. */
export function moduleOfNames(modules: readonly PipelineModule[]): Map<string, string> {
  const names = [...new Set(modules.flatMap(({ exports }) => [...exports.keys()]))].toSorted();
  return new Map(
    names.flatMap((name) => {
      const holders = modules.filter(({ exports }) => exports.has(name));
      const origins = new Set(holders.map(({ exports }) => exports.get(name)));
      const holder =
        holders.find(({ file, exports }) => exports.get(name) === `${file}#${name}`) ?? holders[0];
      return holder === undefined || origins.size > 1 ? [] : [[name, holder.name] as const];
    }),
  );
}

/**
 * Tests if a method's key leads to an export of these files. A run of another peach.conf looks
 * methods up in the same way.
 */
export function isExported(modules: readonly PipelineModule[], key: string): boolean {
  const [, module, name = ""] = /^(.+)#([^#]+)$/.exec(key) ?? [];
  if (module === undefined) return moduleOfNames(modules).has(key);
  return modules.some((each) => each.name === module && each.exports.has(name));
}
