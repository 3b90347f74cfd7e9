/**
 * What a command is: declared once, from which its parsing, its `--help` and the shell completion follow. Parsing itself is Node's
 * `parseArgs`: what a library would add (subcommands, texts) is little, and completion none of the small ones has.
 */
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";

/** Where commands write to, and what they work on: the process, or a test. */
export interface CommandHost {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly repoRoot: string;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Bytes as they are, to where `out` goes. */
  readonly outBytes: (bytes: Uint8Array) => void;
  readonly terminal: Terminal;
  /** All of stdin. */
  readonly readStdin: () => Promise<Uint8Array>;
  /** What the person answers; null if nobody is there to answer. */
  readonly ask: (question: string) => Promise<string | null>;
  /** Aborted when the command is told to end. */
  readonly signal: AbortSignal;
}

export interface Terminal {
  /** Null: it is none, so nothing is cut to fit and nothing is drawn over. */
  readonly columns: number | null;
  readonly colors: boolean;
}

/** 0: done, 1: problems were found, 2: the command was used wrongly. */
export type ExitCode = 0 | 1 | 2;

/** A command line that cannot be meant so: exit code 2. */
export class UsageError extends Error {}

/** What a word on the command line stands for: completion proposes what is known of it. */
export type Meaning = "task" | "run" | "file" | "shell" | "event" | "text";

export interface Positional {
  /** As `--help` shows it, in capitals. */
  readonly name: string;
  readonly means: Meaning;
  readonly optional?: boolean;
  /** Takes all that follow. */
  readonly several?: boolean;
}

export interface Option {
  /** What it takes, in capitals; absent: it takes nothing. */
  readonly takes?: string;
  readonly means?: Meaning;
  /** The values that there are. */
  readonly values?: readonly string[];
  readonly help: string;
}

type Options = Readonly<Record<string, Option>>;

/** The options that were given. */
export type Values<O extends Options> = {
  readonly [Name in keyof O]?:
    | (O[Name] extends { readonly takes: string } ? string : boolean)
    | undefined;
};

export interface Input<O extends Options> {
  readonly options: Values<O>;
  readonly words: readonly string[];
}

export interface Declaration<O extends Options> {
  readonly name: string;
  readonly summary: string;
  /** Paragraphs of `--help`. */
  readonly description: string;
  readonly words?: readonly Positional[];
  readonly options: O;
  /** How it is called; default: by `npm run peach`. */
  readonly call?: string;
  readonly run: (input: Input<O>, host: CommandHost) => Promise<ExitCode>;
}

/** A command for whoever lists, completes or runs it. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly words: readonly Positional[];
  readonly options: Options;
  /** The whole of `--help`. */
  readonly usage: string;
  /** Reads the arguments. Throws `UsageError` if they do not fit. */
  prepare(args: readonly string[]): Prepared;
}

/** A command with its arguments. */
export interface Prepared {
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  /** Rejects with `UsageError` for what only turns out now, and with `PeachError`. */
  run(host: CommandHost): Promise<ExitCode>;
}

const WIDTH = 110;

/** The command of this declaration. */
export function defineCommand<const O extends Options>(declared: Declaration<O>): Command {
  const { name, summary, words = [], options } = declared;
  const usage = usageOf({ ...declared, words });
  return {
    name,
    summary,
    words,
    options,
    usage,
    prepare(args) {
      const input = parse(options, words, args);
      return {
        options: { ...input.options },
        run: (host) => declared.run(input, host),
      };
    },
  };
}

function parse<O extends Options>(
  options: O,
  words: readonly Positional[],
  args: readonly string[],
): Input<O> {
  const config: ParseArgsOptionsConfig = Object.fromEntries(
    Object.entries(options).map(([name, { takes }]) => [
      name,
      { type: takes === undefined ? "boolean" : "string" },
    ]),
  );
  const parsed = parseOrRefuse(config, args);
  for (const [name, { values }] of Object.entries(options)) {
    const given = parsed.values[name];
    if (values !== undefined && given !== undefined && !values.includes(String(given)))
      throw new UsageError(
        `--${name}: expected one of ${values.join(", ")}, given ${String(given)}`,
      );
  }
  const { positionals } = parsed;
  const missing = words.find(
    (word, index) => word.optional !== true && index >= positionals.length,
  );
  if (missing !== undefined) throw new UsageError(`${missing.name} is missing`);
  const surplus = words.at(-1)?.several === true ? undefined : positionals[words.length];
  if (surplus !== undefined) throw new UsageError(`Unexpected argument '${surplus}'`);
  // The mapping of what Node has parsed by the very options that make this type.
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return { options: parsed.values as Values<O>, words: positionals };
}

function parseOrRefuse(options: ParseArgsOptionsConfig, args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // Node's text goes on with how to pass it as a positional argument.
    const [reason = error.message] = error.message.split(/\n|\. To specify/);
    throw new UsageError(reason);
  }
}

function usageOf({
  name,
  description,
  words = [],
  options,
  call = "npm run peach -- ",
}: Omit<Declaration<Options>, "run">): string {
  const wordTexts = words.map((word) => {
    const text = `${word.name}${word.several === true ? "..." : ""}`;
    return word.optional === true ? `[${text}]` : text;
  });
  const optionTexts = Object.entries(options).map(
    ([option, { takes }]) => `[${flag(option, takes)}]`,
  );
  const rows = Object.entries(options).map(([option, { takes, help, values }]) => [
    flag(option, takes),
    values === undefined ? help : `${help}: ${values.join(", ")}`,
  ]);
  const width = Math.max(0, ...rows.map(([left = ""]) => left.length)) + 3;
  return [
    wrap(
      `usage: ${call}${[name, ...wordTexts, ...optionTexts].join(" ")}`,
      WIDTH,
      "         ",
    ).join("\n"),
    description,
    rows
      .map(([left = "", help = ""]) =>
        wrap(`  ${left.padEnd(width)}${help}`, WIDTH, " ".repeat(width + 2)).join("\n"),
      )
      .join("\n"),
  ].join("\n\n");
}

function flag(option: string, takes: string | undefined): string {
  return `--${option}${takes === undefined ? "" : ` ${takes}`}`;
}

/** Lines of at most this width; what follows the first is indented. Words, and `[--option VALUE]`, stay whole. */
function wrap(text: string, width: number, indent: string): string[] {
  const lines: string[] = [];
  for (const part of text.split(/ (?![^[]*\])(?=\S)/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + part.length <= width)
      lines[lines.length - 1] = `${last} ${part}`;
    else lines.push(last === undefined ? part : indent + part);
  }
  return lines;
}
