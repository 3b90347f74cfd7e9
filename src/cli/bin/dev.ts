/**
 * `npm run dev`: runs the local runtime until an interrupt. Owns the command line, the token,
 * rebuilding after changes, and the end of all processes. src/local/runtime.ts starts and ends the
 * runtime.
 */
import { join } from "node:path";
import { styleText } from "node:util";
import { projectPaths } from "../../compiler/project-paths.ts";
import { MIN_TOKEN_LETTERS } from "../../domain/api-token.ts";
import { parseOptions, parsePort, takePortOption } from "../../local/arguments.ts";
import { exitCodeOf } from "../../local/exit-code.ts";
import { PROJECT_FOLDER } from "../../local/build.ts";
import { CheckWatch } from "../../local/check-watch.ts";
import { wasInterrupted } from "../../local/interrupt.ts";
import { inspectorText } from "../../local/inspector-text.ts";
import { addDevVars, readDevVars, type DevVars } from "../../local/dev-vars.ts";
import { renderLog } from "../../local/log-text.ts";
import { describeMade, describePlan, startupText } from "../../local/startup-text.ts";
import { parentOf } from "../../local/process-group.ts";
import {
  RuntimeStartError,
  startRuntime,
  untilServing,
  type LocalRuntime,
} from "../../local/runtime.ts";
import { describeMissing, randomSecret } from "../../local/secrets.ts";
import { keyLine, readKeys, type Key } from "../../local/keys.ts";
import { openBrowser } from "../../local/open-browser.ts";
import { describeUntried } from "../../local/trial.ts";
import { exampleTrigger, tryLines } from "../../local/try-lines.ts";
import { watchProject } from "../../local/watch.ts";
import { loginLink } from "../login-link.ts";
import { processHost } from "../process-host.ts";
import { runCommand } from "../run.ts";

const USAGE = `usage: npm run dev [-- --port N] [-- --persist-to DIR] [-- --inspect [PORT]] [-- --verbose]

Runs peach.conf and its pipelines on the local runtime, until Ctrl-C. Needs no account and no
network.

  --port N          the port on 127.0.0.1 (default 8787; 0 is a free one)
  --persist-to DIR  the folder of its state (default .peach/state); starting again on it goes on
                    where it was
  --inspect [PORT]  lets a debugger attach (default port 9229), and says how: breakpoints in the
                    pipelines' own files.
                    Attempts and endpoints then may take 14 minutes, since time goes on at a breakpoint
  --verbose         shows the runtime's output as it is, with each request and each entry of the audit
  --help            this text

PEACH_CONF (a file or a folder) and PEACH_PIPELINES (a folder) choose others than peach.conf and
src/pipelines. PEACH_API_TOKEN sets the API token; otherwise the one in .dev.vars is used, and made
if there is none. Secrets that endpoints verify signatures with come from .dev.vars or the
environment as well; those that the receiver chooses are made if there are none.`;

const DEFAULT_PORT = 8787;
const DEFAULT_INSPECTOR_PORT = 9229;
const DEFAULT_STATE = join(PROJECT_FOLDER, ".peach", "state");
const DEV_VARS = join(PROJECT_FOLDER, ".dev.vars");
/** The longest wait for an example of a payload, after the runtime is ready. */
const EXAMPLE_MS = 5_000;
const PARENT_POLL_MS = 1_000;

async function main(args: readonly string[]): Promise<number> {
  const { port: inspectorPort, rest } = takePortOption(args, "--inspect", DEFAULT_INSPECTOR_PORT);
  const options = parseOptions(rest, {
    port: { type: "string" },
    "persist-to": { type: "string" },
    verbose: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  });
  if (options.help === true) {
    console.log(USAGE);
    return 0;
  }
  const port = options.port === undefined ? DEFAULT_PORT : parsePort(options.port);
  const persistTo = options["persist-to"] ?? DEFAULT_STATE;
  const ending = endSignal();
  const interrupted = ending.signal;
  const devVars = readDevVars(DEV_VARS, process.env);
  if (devVars.token.length < MIN_TOKEN_LETTERS)
    throw new RuntimeStartError(
      `PEACH_API_TOKEN has fewer than ${MIN_TOKEN_LETTERS} characters, so the worker refuses it: set a longer one, or take it out of the environment and of .dev.vars, and one is made.`,
    );

  console.log("Starting the local runtime ...");
  const paths = projectPaths(process.env, PROJECT_FOLDER, process.cwd());
  const checks = new CheckWatch(paths, (text) => {
    void wasInterrupted(interrupted).then((isOver) => isOver || console.error(text));
  });
  const started = Promise.withResolvers<LocalRuntime>();
  // Types are read while the runtime starts.
  const trigger = exampleTrigger(paths).catch(() => null);
  const takeOver = takeOverFrom(started.promise);
  // The watch begins before the build: a change during the start is taken over afterwards.
  const stopWatching = watchProject(paths, async () => {
    await started.promise;
    checks.look();
    try {
      await takeOver();
    } catch (error) {
      if (!(await wasInterrupted(interrupted)))
        console.error(`The change was not taken over: ${String(error)}`);
    }
  });
  try {
    const runtime = await startRuntime({
      port,
      persistTo,
      ...(inspectorPort !== undefined && { inspectorPort }),
      env: devVars.vars,
      makeSecrets: (names) => {
        const made = Object.fromEntries(names.map((name) => [name, randomSecret()]));
        addDevVars(DEV_VARS, made);
        return made;
      },
      signal: interrupted,
      onOutput: showOutput(options.verbose ?? false),
      // The project's generated folder is also used by editors and checks. Another conf must not
      // overwrite it.
      // Nor may the long timeouts of an inspected plan.
      ...(isProjectsOwn() && inspectorPort === undefined
        ? { generatedFolder: join(PROJECT_FOLDER, "src", "generated") }
        : {}),
    }).catch(async (error: unknown) => {
      if (await wasInterrupted(interrupted)) return null;
      throw error;
    });
    if (runtime === null) return 0;
    const { url, token, project } = runtime;
    const keys = keysOf(runtime, ending);
    if (project.untried !== null) console.error(describeUntried(project.untried));
    console.log(
      startupText({
        url,
        loginLink: await loginLink(url, token),
        plan: project.plan,
        paths: project.paths,
        missingSecrets: project.missingSecrets,
        madeSecrets: project.madeSecrets,
        stateFolder: persistTo,
        tokenSource: tokenSource(devVars),
        tries: tryLines(url, project.plan, PROJECT_FOLDER, await within(trigger, EXAMPLE_MS)),
        keys: process.stdin.isTTY ? keyLine(keys) : null,
      }),
    );
    if (inspectorPort !== undefined)
      console.log(`\n${inspectorText(inspectorPort, PROJECT_FOLDER)}`);
    checks.look();
    started.resolve(runtime);
    const stopReading = readKeys(process.stdin, keys, {
      say: (text) => console.log(text),
      interrupt: () => ending.abort(),
    });
    const end = await Promise.race([aborted(interrupted), runtime.ended]);
    stopReading();
    if (!interrupted.aborted) {
      console.error(
        end?.isDeaf === true
          ? `A process of the local runtime has died, and ${url} gives no answers any more, so the runtime was ended. Start it again; its state is kept.`
          : "The local runtime has ended by itself; its state is kept.",
      );
      return 1;
    }
    await runtime.stop();
    return 0;
  } finally {
    stopWatching();
  }
}

/**
 * Makes the callback of a change: builds again. With any problem the last good version keeps
 * running.
 */
function takeOverFrom(started: Promise<LocalRuntime>): () => Promise<void> {
  let served: string | null = null;
  let isBroken = false;
  return async () => {
    const runtime = await started;
    const version = served ?? runtime.project.plan.version;
    const built = await runtime.rebuild(readDevVars(DEV_VARS, process.env).vars);
    if (!built.ok) {
      isBroken = true;
      console.error(
        `\n${built.diagnostics}\n\n${styleText("red", "Not taken over: the last good version keeps running.")}`,
      );
      return;
    }
    if (!built.changed) {
      if (isBroken) console.log(styleText("green", "All is as in the running version again."));
      isBroken = false;
      return;
    }
    isBroken = false;
    const { plan, missingSecrets, madeSecrets, untried } = built.project;
    if (untried !== null) console.error(describeUntried(untried));
    console.log("Taken over.");
    if (madeSecrets.length > 0) console.log(describeMade(madeSecrets));
    if (plan.version !== version) console.log(describePlan(plan, runtime.url).join("\n"));
    for (const line of describeMissing(missingSecrets)) console.log(styleText("yellow", line));
    if (plan.version !== version && !(await untilServing(runtime.url, plan.version)))
      console.error("The runtime does not serve it yet; see its output above.");
    served = plan.version;
  };
}

/** The keys of a terminal. */
function keysOf({ url, token }: LocalRuntime, ending: AbortController): Key[] {
  const link = (): Promise<string> => loginLink(url, token);
  return [
    {
      key: "o",
      does: "opens the dashboard",
      act: async () => {
        const page = await link();
        if (!(await openBrowser(page, process.env))) console.log(page);
      },
    },
    { key: "l", does: "prints a log-in link", act: async () => console.log(await link()) },
    {
      key: "f",
      does: "shows the last failure",
      act: async () => {
        const host = {
          ...processHost(ending.signal),
          env: { ...process.env, PEACH_API_TOKEN: token },
        };
        await runCommand(["show", "--failed", "--url", url], host);
      },
    },
    { key: "q", does: "quits", act: () => ending.abort() },
  ];
}

/** Shows the runtime's output: as it is if verbose, else what an author wants to see, as text. */
function showOutput(isVerbose: boolean): (line: string) => void {
  if (isVerbose) return (line) => console.log(line);
  return (line) => {
    const text = renderLog(line, process.stdout.isTTY);
    if (text !== null) console.log(text);
  };
}

/** Waits for a value, at most this long; null if there is none by then. */
async function within<T>(value: Promise<T>, ms: number): Promise<T | null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), ms);
  try {
    return await Promise.race([value, promise]);
  } finally {
    clearTimeout(timer);
  }
}

function isProjectsOwn(): boolean {
  return (process.env["PEACH_CONF"] ?? "") === "" && (process.env["PEACH_PIPELINES"] ?? "") === "";
}

function tokenSource({ created }: DevVars): string {
  if ((process.env["PEACH_API_TOKEN"] ?? "") !== "") return "PEACH_API_TOKEN of the environment";
  return created ? "PEACH_API_TOKEN in .dev.vars, made now" : "PEACH_API_TOKEN in .dev.vars";
}

/**
 * Makes a controller that aborts at the first interrupt, or when npm, which started this process,
 * has died without passing a signal on.
 */
function endSignal(): AbortController {
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => interrupted.abort());
  // The reader of the output has gone.
  process.stdout.on("error", () => interrupted.abort());
  if (process.env["npm_lifecycle_event"] !== undefined) {
    // npm, and the shell that npm may have started in between.
    const line = [process.ppid, parentOf(process.ppid)];
    const isOrphaned = (): boolean =>
      process.ppid !== line[0] || parentOf(process.ppid) !== line[1];
    setInterval(() => isOrphaned() && interrupted.abort(), PARENT_POLL_MS).unref();
  }
  return interrupted;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

process.exitCode = await exitCodeOf(main, USAGE);
