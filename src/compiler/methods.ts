/** Which exported function a `method` (and `module`) of peach.conf means. */
import type { PipelineModule } from "./discover.ts";
import type { Report } from "./diagnostic.ts";
import type { LoadedConf, Path } from "./load.ts";
import { nearest } from "../domain/nearest.ts";
import type { Span } from "./source.ts";

/** A method that was found. */
export interface ResolvedMethod {
  /** Into the registry: `method`, or `module#method` if peach.conf names the module. */
  readonly key: string;
  readonly exportName: string;
  /** As it is called in `module#method`. */
  readonly module: string;
  /** Absolute. */
  readonly file: string;
  /** Where peach.conf names it, and as which of its keys. */
  readonly span: Span;
  readonly place: string;
}

interface Wanted {
  readonly method: string;
  readonly module: string | undefined;
  /** Of the task or endpoint. */
  readonly at: Path;
  /** Which of its keys names the method. */
  readonly key: "method" | "fallback";
}

/** Looks methods up among the pipelines' exports, and reports those that are missing or ambiguous. */
export class MethodFinder {
  readonly #modules: readonly PipelineModule[];
  readonly #loaded: LoadedConf;
  readonly #report: Report;
  /** As the user knows it. */
  readonly #folder: string;

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

  find({ method, module, at, key }: Wanted): ResolvedMethod | null {
    const span = this.#loaded.valueSpan([...at, key]);
    const place = `${at.join(".")}.${key}: `;
    if (module !== undefined) return this.#findIn(module, { method, module, at, key });
    const holders = this.#modules.filter(({ exports }) => exports.has(method));
    const origins = new Set(holders.map(({ exports }) => exports.get(method)));
    // A file that only re-exports is no second candidate; the file that makes the function is preferred to it.
    const holder =
      holders.find(({ file, exports }) => exports.get(method)?.startsWith(`${file}#`)) ??
      holders[0];
    if (holder === undefined) {
      const hint = this.#hintFor(method, this.#modules);
      this.#report(span, `${place}no file under ${this.#folder} exports \`${method}\``, { hint });
      return null;
    }
    if (origins.size > 1) {
      const names = holders.map(({ name }) => name);
      this.#report(
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

  #findIn(module: string, { method, at, key }: Wanted): ResolvedMethod | null {
    const found = this.#modules.find(({ name }) => name === module);
    if (found === undefined) {
      // Said once, where the module is named, not for the fallback too.
      if (key === "method") this.#reportNoModule(module, at);
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
    const others = this.#modules
      .filter(({ exports }) => exports.has(method))
      .map(({ name }) => name);
    const elsewhere =
      others.length > 0
        ? `it is exported by ${others.map((name) => `module: ${name}`).join(", ")}`
        : null;
    this.#report(
      this.#loaded.valueSpan([...at, key]),
      `${at.join(".")}.${key}: ${module}.ts does not export \`${method}\``,
      {
        hint: elsewhere ?? this.#hintFor(method, [found]),
      },
    );
    return null;
  }

  #reportNoModule(module: string, at: Path): void {
    const names = this.#modules.map(({ name }) => name);
    const near = nearest(module.replace(/^\.\//, "").replace(/\.ts$/, ""), names);
    const known =
      names.length === 0
        ? `there is no .ts file under ${this.#folder}`
        : `modules: ${names.join(", ")}`;
    this.#report(
      this.#loaded.valueSpan([...at, "module"]),
      `${at.join(".")}.module: there is no module \`${module}\` under ${this.#folder}`,
      {
        hint: near === null ? known : `did you mean \`${near}\`? ${known}`,
      },
    );
  }

  #hintFor(method: string, modules: readonly PipelineModule[]): string {
    const names = [...new Set(modules.flatMap(({ exports }) => [...exports.keys()]))];
    const near = nearest(method, names);
    if (near !== null) {
      const holder = modules.find(({ exports }) => exports.has(near))?.name ?? "";
      return `did you mean \`${near}\` of ${holder}.ts?`;
    }
    return names.length === 0
      ? `export a function of this name from a .ts file under ${this.#folder}`
      : `exported: ${names.join(", ")}`;
  }
}

/** The module of each name that means one function only, as `MethodFinder` finds it. */
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

/** Whether the key of a method leads to something that these files export, as a run of another peach.conf looks for it. */
export function isExported(modules: readonly PipelineModule[], key: string): boolean {
  const [, module, name = ""] = /^(.+)#([^#]+)$/.exec(key) ?? [];
  if (module === undefined) return moduleOfNames(modules).has(key);
  return modules.some((each) => each.name === module && each.exports.has(name));
}
