/**
 * Shell completion, made from the same declarations as `--help`. The script also defines a shell
 * function `peach` unless that command exists, since no shell can complete the words after `npm run
 * peach --`.
 */
import { checkProject } from "../compiler/compile.ts";
import { projectPaths } from "../compiler/project-paths.ts";
import {
  defineCommand,
  UsageError,
  type Command,
  type Meaning,
  type CommandHost,
} from "./command.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

/**
 * Makes the command `peach completion SHELL`. The commands are a function, since the list contains
 * this command.
 */
export function completionOf(commands: () => readonly Command[]): Command {
  return defineCommand({
    name: "completion",
    summary: "prints what makes a shell complete the command line",
    description: `Prints a script for bash, zsh or fish that completes commands, options, their
values, and the tasks and events of peach.conf; and that defines the command \`peach\`. Add to the
file that your shell reads at its start:

  bash   source <(npm run --silent --prefix FOLDER peach -- completion bash)
  zsh    source <(npm run --silent --prefix FOLDER peach -- completion zsh)
  fish   npm run --silent --prefix FOLDER peach -- completion fish | source`,
    words: [{ name: SHELLS.join("|"), means: "shell" }],
    options: {},
    async run({ words: [given = ""] }, host) {
      const shell = SHELLS.find((one) => one === given);
      if (shell === undefined)
        throw new UsageError(`expected one of ${SHELLS.join(", ")}, given ${given}`);
      host.out(scriptFor(shell, commands(), host));
      return 0;
    },
  });
}

/** Renders the script of a shell. */
function scriptFor(
  shell: (typeof SHELLS)[number],
  commands: readonly Command[],
  host: CommandHost,
): string {
  const known = knownWords(host);
  if (shell === "fish") return fish(commands, known, host.projectRoot);
  const script = bash(commands, known, host.projectRoot);
  // zsh runs completion scripts of bash.
  return shell === "bash"
    ? script
    : `autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n${script}`;
}

/**
 * Lists the known words of each meaning. Runs and tokens are known to a deployment only, so they
 * have none.
 */
function knownWords({
  env,
  projectRoot,
  cwd,
}: CommandHost): ReadonlyMap<Meaning, readonly string[]> {
  const plan = checkProject(projectPaths(env, projectRoot, cwd), { acceptUnboundBuckets: true })
    .compiled?.plan;
  const tasks = Object.values(plan?.tasks ?? {});
  return new Map<Meaning, readonly string[]>([
    ["task", tasks.map(({ name }) => name)],
    ["event", [...new Set(tasks.flatMap(({ on }) => on.events))]],
    ["shell", SHELLS],
  ]);
}

/** Lists the words that can follow a command. */
function wordsOf({ words }: Command, known: ReadonlyMap<Meaning, readonly string[]>): string[] {
  return [
    ...new Set(
      words.flatMap(
        ({ means, name }) => known.get(means) ?? (name.includes("|") ? name.split("|") : []),
      ),
    ),
  ];
}

/** Renders the script for bash: a case per command, and in it one per option with a value. */
function bash(
  commands: readonly Command[],
  known: ReadonlyMap<Meaning, readonly string[]>,
  root: string,
): string {
  const cases = commands.map((command) => {
    const options = Object.entries(command.options);
    const flags = [...options.map(([name]) => `--${name}`), "--help"];
    const values = options.flatMap(([name, { takes, values: given, means }]) => {
      if (takes === undefined) return [];
      const proposed = given ?? known.get(means ?? "text") ?? [];
      const reply = means === "file" ? "-f" : `-W ${quoted(proposed.join(" "))}`;
      return [`        --${name}) COMPREPLY=($(compgen ${reply} -- "$word")); return ;;`];
    });
    return [
      `    ${command.name})`,
      '      case "$previous" in',
      ...values,
      "      esac",
      `      COMPREPLY=($(compgen -W ` +
        `${quoted([...flags, ...wordsOf(command, known)].join(" "))} -- "$word")) ;;`,
    ].join("\n");
  });
  return `type peach >/dev/null 2>&1 || peach() { npm run --silent --prefix ${quoted(root)} peach -- "$@"; }
_peach() {
  local word="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W ${quoted(commands.map(({ name }) => name).join(" "))} -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac
}
complete -F _peach peach`;
}

/** Renders the script for fish, which shows the help text beside each word. */
function fish(
  commands: readonly Command[],
  known: ReadonlyMap<Meaning, readonly string[]>,
  root: string,
): string {
  const lines = commands.flatMap((command) => {
    const here = `complete -c peach -f -n '__fish_seen_subcommand_from ${command.name}'`;
    const words = wordsOf(command, known);
    return [
      `complete -c peach -f -n __fish_use_subcommand -a ${command.name} -d ` +
        quoted(command.summary),
      ...(words.length === 0 ? [] : [`${here} -a ${quoted(words.join(" "))}`]),
      ...Object.entries(command.options).map(([name, { takes, values, means, help }]) => {
        const proposed = values ?? known.get(means ?? "text") ?? [];
        const value =
          takes === undefined
            ? ""
            : means === "file"
              ? " -r -F"
              : ` -x -a ${quoted(proposed.join(" "))}`;
        return `${here} -l ${name}${value} -d ${quoted(help)}`;
      }),
    ];
  });
  return [
    `type -q peach; or function peach; npm run --silent --prefix ${quoted(root)} peach -- ` +
      `$argv; end`,
    ...lines,
  ].join("\n");
}

/** Quotes a text with single quotes, for each of the shells. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
