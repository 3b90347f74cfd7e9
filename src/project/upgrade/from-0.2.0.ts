/**
 * The steps from 0.2.0. A project of 0.2.0 was a fork of Peach's repository. Later releases are a
 * package, and the object classes need no bindings.
 */
import { isDeepStrictEqual } from "node:util";
import { parse } from "smol-toml";
import { isMapping } from "../../compiler/schema-parts.ts";
import { jsonText, parsed } from "../json-text.ts";
import { FORK, hasScriptsOfFork } from "./fork-0.2.0.ts";
import { changed, NOTHING, type ProjectFiles, refused, type Step } from "./step.ts";
import { removeTables, replaceInTable } from "./toml-text.ts";

/** The statements of a fork's src/index.ts that deploy Peach. */
const CLASSES = /export\s*\{[^}]*\}\s*from\s*"\.\/worker\/worker\.ts";[ \t]*\n?/g;

/** src/index.ts deploys the package. Statements of the user stay behind it. */
const index: Step = {
  title: "src/index.ts deploys the package",
  run(files, { template }) {
    const text = files.get("src/index.ts");
    const wanted = template.get("src/index.ts") ?? "";
    if (text === null || text === undefined) return refused("src/index.ts is not there");
    if (!text.includes("worker/worker.ts")) return NOTHING;
    const own = text.replaceAll(CLASSES, "").replace(FORK.indexComment, "").trim();
    if (own.includes("worker/worker.ts"))
      return refused(
        "src/index.ts uses ./worker/worker.ts in another way than 0.2.0 did: change it to the text of `peach init` by hand, with createPeach({ plan, methods }) as what you wrap, and upgrade again",
      );
    if (/\bexport\s+default\b/.test(own))
      return refused(
        "src/index.ts has a default export of its own: give createPeach({ plan, methods }) to it by hand",
      );
    return changed("src/index.ts", own === "" ? wanted : `${wanted}\n${own}\n`);
  },
};

/** package.json names the package in place of the packages and scripts of the fork. */
const manifest: Step = {
  title: "package.json depends on the package",
  run(files, { specifier, template }) {
    const text = files.get("package.json");
    if (text === null || text === undefined) return refused("package.json is not there");
    const own = parsed(text);
    const before = ownEntries(own["dependencies"]);
    if (Object.hasOwn(before, "peach") && !hasScriptsOfFork(own["scripts"])) return NOTHING;
    const wanted = parsed(template.get("package.json"));
    const kept = (key: string, used: ReadonlySet<string>): Record<string, unknown> =>
      Object.fromEntries(
        Object.entries(ownEntries(own[key])).filter(
          ([name, value]) => ownEntries(FORK.manifest[key])[name] !== value || used.has(name),
        ),
      );
    const scripts = kept("scripts", new Set());
    const used = new Set([...importedPackages(files), ...wordsOf(Object.values(scripts))]);
    const {
      name,
      version,
      description,
      license,
      imports,
      exports,
      optionalDependencies: _ours,
      ...rest
    } = own;
    const isOurs = (key: string, value: unknown): boolean =>
      JSON.stringify(FORK.manifest[key]) === JSON.stringify(value);
    const unchanged = { version, description, license, imports, exports };
    const theirs = Object.fromEntries(
      Object.entries(unchanged).filter(
        ([key, value]) => value !== undefined && !isOurs(key, value),
      ),
    );
    const optional = kept("optionalDependencies", used);
    return changed(
      "package.json",
      jsonText(
        {
          name: name === "peach" ? projectNameOf(files) : name,
          ...theirs,
          ...rest,
          scripts: { ...ownEntries(wanted["scripts"]), ...scripts },
          dependencies: {
            ...ownEntries(wanted["dependencies"]),
            ...kept("dependencies", used),
            peach: specifier,
          },
          devDependencies: {
            ...ownEntries(wanted["devDependencies"]),
            ...kept("devDependencies", used),
          },
          ...(Object.keys(optional).length === 0 ? {} : { optionalDependencies: optional }),
        },
        text,
      ),
      [
        "the files of Peach that came with the clone are not used any more; with nothing of yours in them, remove them: " +
          `git rm -r --ignore-unmatch ${FORK.ownPaths.join(" ")}`,
      ],
    );
  },
};

/** Splits commands into words. Many programs have the name of their package. */
function wordsOf(commands: readonly unknown[]): string[] {
  return commands.flatMap((command) => String(command).split(/[^@\w./-]+/));
}

/**
 * Adds a script `compile` if a command still calls `compile`. Other scripts of the clone have no
 * successor.
 */
const calledScripts: Step = {
  title: "package.json has the scripts that others call",
  run(files) {
    const text = files.get("package.json") ?? "{}";
    const own = parsed(text);
    const scripts = ownEntries(own["scripts"]);
    const calls = [...Object.entries(scripts), ...buildCommands(files)].flatMap(([by, command]) =>
      calledIn(String(command)).map((name) => ({ by, name })),
    );
    const gone = calls.filter(
      ({ name }) =>
        !Object.hasOwn(scripts, name) && Object.hasOwn(ownEntries(FORK.manifest["scripts"]), name),
    );
    const notes = gone
      .filter(({ name }) => name !== "compile")
      .map(
        ({ by, name }) =>
          `\`${name}\` came with the clone and is no script any more: ` +
          `change the script \`${by}\`, which calls it`,
      );
    if (!gone.some(({ name }) => name === "compile")) return { ...NOTHING, notes };
    const compile = "peach check && peach compile";
    return changed(
      "package.json",
      jsonText({ ...own, scripts: { ...scripts, compile } }, text),
      notes,
    );
  },
};

/** The build commands of wrangler.toml, by their keys. */
function buildCommands(files: ProjectFiles): (readonly [string, unknown])[] {
  const { env, ...top } = wranglerOf(files) ?? {};
  const parts = [["", top] as const, ...Object.entries(ownEntries(env))];
  return parts.flatMap(([name, part]) => {
    const { command } = ownEntries(ownEntries(part)["build"]);
    return command === undefined ? [] : [[`${name === "" ? "" : `env.${name}.`}build`, command]];
  });
}

/** The scripts of package.json that a command calls. */
function calledIn(command: string): string[] {
  const calls = command.matchAll(
    /\b(?:npm run(?:-script)?|pnpm(?: run)?|yarn(?: run)?|node --run)\s+(?:-\S+\s+)*([\w:.-]+)/g,
  );
  return [...calls].map(([, name = ""]) => name);
}

/** The Worker's name, since a package cannot depend on one of its own name. */
function projectNameOf(files: ProjectFiles): string {
  const name = wranglerOf(files)?.["name"];
  return typeof name === "string" && name !== "peach" ? name : "my-pipelines";
}

/** The packages that pipelines import. */
function importedPackages(files: ProjectFiles): ReadonlySet<string> {
  const pipelines = [...files].filter(([path]) => path.startsWith("src/pipelines/"));
  return new Set(
    pipelines.flatMap(([, text]) =>
      [...(text ?? "").matchAll(/(?:from|import)\s*\(?\s*["']((?:@[\w.-]+\/)?[\w.-]+)/g)].map(
        ([, name = ""]) => name,
      ),
    ),
  );
}

/** wrangler.toml without the bindings of Peach's object classes, and with the new build command. */
const bindings: Step = {
  title: "wrangler.toml binds no object class",
  run(files) {
    const text = files.get("wrangler.toml");
    if (text === null || text === undefined)
      return refused("wrangler.toml is not there: a deployment of 0.2.0 has one");
    const config = wranglerOf(files);
    if (config === null) return refused("wrangler.toml is no TOML");
    if (config["main"] !== "src/index.ts")
      return refused(
        `wrangler.toml deploys ${JSON.stringify(config["main"])}, not src/index.ts: upgrade that file by hand`,
      );
    const without = removeTables(text, "durable_objects.bindings", (table) => {
      const { name, class_name, ...others } = bindingOf(table);
      return Object.keys(others).length === 0 && FORK.bindings[String(name)] === class_name;
    });
    const built = replaceInTable(
      without,
      "build",
      /^\s*command\s*=\s*(["'])npm run compile\1\s*$/,
      `command = ${JSON.stringify(buildCommand(files))}`,
    );
    if (built === text) return NOTHING;
    // A text of several lines may look like a table.
    const after = wranglerOf(new Map([["wrangler.toml", built]]));
    if (after === null || !isDeepStrictEqual(theirsIn(after), theirsIn(config)))
      return refused(
        "wrangler.toml has a text that looks like a table of it: take the bindings of Peach's classes out by hand",
      );
    return changed("wrangler.toml", built);
  },
};

/** The configuration without the parts that the step changes. */
function theirsIn({
  durable_objects: objects,
  build: _ours,
  ...others
}: Readonly<Record<string, unknown>>): object {
  const { bindings: list, ...rest } = ownEntries(objects);
  const kept = (Array.isArray(list) ? list : []).filter(
    (one: unknown) =>
      !isMapping(one) ||
      Object.keys(one).length !== 2 ||
      FORK.bindings[String(one["name"])] !== one["class_name"],
  );
  return { others, rest, kept };
}

/** The command that checks and compiles. The user's own script `build` may do something else. */
function buildCommand(files: ProjectFiles): string {
  const scripts = ownEntries(parsed(files.get("package.json") ?? "{}")["scripts"]);
  return scripts["build"] === "peach check && peach compile"
    ? "npm run build"
    : "npx peach check && npx peach compile";
}

/** The keys of a table `[[durable_objects.bindings]]`. */
function bindingOf(table: string): Readonly<Record<string, unknown>> {
  try {
    const { durable_objects: objects } = parse(table);
    const list = isMapping(objects) ? objects["bindings"] : undefined;
    const [binding] = Array.isArray(list) ? list : [];
    return isMapping(binding) ? binding : {};
  } catch {
    return {};
  }
}

/** tsconfig.json of 0.2.0 pointed at Peach's own programs. */
const tsconfig: Step = {
  title: "tsconfig.json is the project's",
  run(files, { template }) {
    const text = files.get("tsconfig.json");
    const wanted = template.get("tsconfig.json") ?? "";
    if (text === null || text === undefined) return changed("tsconfig.json", wanted);
    return text.includes("tsconfig.src.json") ? changed("tsconfig.json", wanted) : NOTHING;
  },
};

export const FROM_0_2_0: readonly Step[] = [index, manifest, bindings, calledScripts, tsconfig];

export function wranglerOf(files: ProjectFiles): Readonly<Record<string, unknown>> | null {
  try {
    return parse(files.get("wrangler.toml") ?? "");
  } catch {
    return null;
  }
}

function ownEntries(value: unknown): Readonly<Record<string, unknown>> {
  return isMapping(value) ? value : {};
}
