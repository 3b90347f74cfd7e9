/**
 * `peach provision`: creates the resources that a deployment needs and `wrangler deploy` does not
 * create, by commands of wrangler. The command only adds resources, and deletes rules of Peach's
 * own queue that conflict with needed rules. Existing resources stay unchanged: the command can run
 * at any time and repeatedly.
 */
import { readFileSync } from "node:fs";
import { checkProject } from "../../compiler/compile.ts";
import { renderDiagnostic } from "../../compiler/diagnostic.ts";
import { projectPaths } from "../../compiler/project-paths.ts";
import { defineCommand, type ExitCode, type CommandHost } from "../command.ts";
import { covers, overlap, type NotificationRule } from "../notification-rules.ts";
import { missingSecrets, neededResources, ruleText, type NeededResources } from "../resources.ts";
import { Wrangler, WranglerError, type ExistingRule } from "../wrangler.ts";
import { PEACH } from "../../compiler/peach-command.ts";

/** A command of wrangler and its purpose. */
interface Step {
  readonly why: string;
  readonly args: readonly string[];
  /** The secret to store; its value is null unless the environment has it. */
  readonly secret?: { readonly name: string; readonly value: string | null };
}

/** The steps to take, and notes for the user. */
interface Work {
  readonly steps: readonly Step[];
  readonly notes: readonly string[];
}

export const provision = defineCommand({
  name: "provision",
  summary: "creates the queues, buckets, notification rules and secrets that are missing",
  description: `Looks at what the account has (\`npx wrangler login\` first), and prints the
wrangler commands that create what peach.conf and wrangler.toml need beside it: queues, buckets, the
rules by which R2 reports objects, secrets. With --apply it runs them. Rules that overlap are
joined, since R2 refuses them. The value of a secret is taken from the environment variable of its
name. Exits with 1 if wrangler fails, or a secret is left.`,
  options: {
    apply: { help: "runs the commands; without it they are only printed" },
    all: { help: "does not look at what exists: prints every command" },
    json: { help: '{"applied", "steps": [{"why", "command", "done"}], "notes": [...]}' },
  },
  async run({ options: { apply = false, all = false, json = false } }, host) {
    const { env, projectRoot, cwd, err } = host;
    if (apply && all) {
      err("--apply creates what is missing, so it has to look: leave --all away");
      return 2;
    }
    const paths = projectPaths(env, projectRoot, cwd);
    const { compiled, diagnostics } = checkProject(paths);
    if (compiled === null) {
      for (const diagnostic of diagnostics) err(`${renderDiagnostic(diagnostic)}\n`);
      return 1;
    }
    try {
      const needed = neededResources(compiled.plan, readFileSync(paths.wranglerPath, "utf8"));
      const wrangler = new Wrangler(host);
      const work = all ? everything(needed, env) : await missing(needed, wrangler, env);
      return apply ? await perform(work, wrangler, json, host) : print(work, json, host);
    } catch (error) {
      if (!(error instanceof WranglerError)) throw error;
      err(
        `error: ${error.message}\nhint: log in with \`npx wrangler login\`; --all prints every command without looking`,
      );
      return 1;
    }
  },
});

/** Lists the steps for an account without any resource. */
function everything(needed: NeededResources, env: CommandHost["env"]): Work {
  const steps = [
    ...needed.queues.map(createQueue),
    ...needed.buckets.map(createBucket),
    ...needed.rules.map((rule) => createRule(rule, needed.eventQueue)),
    ...needed.secrets.map((secret) => putSecret(secret, env)),
  ];
  return { steps, notes: [] };
}

/** Lists the steps for resources that do not exist yet. */
async function missing(
  needed: NeededResources,
  wrangler: Wrangler,
  env: CommandHost["env"],
): Promise<Work> {
  const steps: Step[] = [];
  const notes: string[] = [];
  for (const queue of needed.queues)
    if (!(await wrangler.hasQueue(queue))) steps.push(createQueue(queue));
  for (const bucket of needed.buckets) {
    const exists = await wrangler.hasBucket(bucket);
    if (!exists) steps.push(createBucket(bucket));
    const rules = needed.rules.filter((rule) => rule.bucket === bucket);
    const existing = exists && rules.length > 0 ? await wrangler.rules(bucket) : [];
    for (const rule of rules) addRule(rule, existing, needed.eventQueue, steps, notes);
    notes.push(...uselessRules(existing, rules, needed.eventQueue));
  }
  const secrets = missingSecrets(needed, await wrangler.secrets());
  steps.push(...secrets.map((secret) => putSecret(secret, env)));
  return { steps, notes };
}

/**
 * Adds a rule unless an existing rule covers the new one. R2 refuses overlapping rules: conflicting
 * rules of the same queue are deleted first.
 */
function addRule(
  rule: NotificationRule,
  existing: readonly ExistingRule[],
  queue: string,
  steps: Step[],
  notes: string[],
): void {
  const own = existing.filter((one) => one.queue === queue);
  if (own.some((one) => covers(one, rule))) return;
  const inTheWay = existing.filter((one) => overlap(one, rule));
  for (const other of inTheWay) {
    if (other.queue === queue) {
      if (!steps.some(({ args }) => args.includes(other.id))) steps.push(deleteRule(other, queue));
      notes.push(
        `${ruleText(other)} is replaced by ${ruleText(rule)}. What happens between the two ` +
          `is not reported: ${PEACH} reconcile --bucket ${rule.bucket}`,
      );
    } else
      notes.push(
        `${ruleText(rule)} overlaps the rule ${other.id} of the queue ${other.queue}, ` +
          `${ruleText(other)}: R2 may refuse it`,
      );
  }
  steps.push(createRule(rule, queue));
}

/**
 * Finds rules of Peach's queue that peach.conf does not need. Their notifications cost money; the
 * user decides about them.
 */
function uselessRules(
  existing: readonly ExistingRule[],
  needed: readonly NotificationRule[],
  queue: string,
): readonly string[] {
  return existing
    .filter((one) => one.queue === queue && !needed.some((rule) => overlap(one, rule)))
    .map(
      (one) =>
        `no task needs the rule ${ruleText(one)}: npx wrangler r2 bucket notification delete ` +
        `${one.bucket} --queue ${queue} --rule ${one.id}`,
    );
}

function createQueue(name: string): Step {
  return { why: `the queue ${name}`, args: ["queues", "create", name] };
}

function createBucket(name: string): Step {
  return { why: `the bucket ${name}`, args: ["r2", "bucket", "create", name] };
}

function createRule(rule: NotificationRule, queue: string): Step {
  const { bucket, event, prefix, suffix } = rule;
  return {
    why: `reports of ${ruleText(rule)}`,
    args: [
      "r2",
      "bucket",
      "notification",
      "create",
      bucket,
      "--event-types",
      event,
      "--queue",
      queue,
    ].concat(prefix === "" ? [] : ["--prefix", prefix], suffix === "" ? [] : ["--suffix", suffix]),
  };
}

function deleteRule(rule: ExistingRule, queue: string): Step {
  return {
    why: `no reports by ${ruleText(rule)} any more, which is in the way of another rule`,
    args: [
      "r2",
      "bucket",
      "notification",
      "delete",
      rule.bucket,
      "--queue",
      queue,
      "--rule",
      rule.id,
    ],
  };
}

function putSecret(
  { name, why }: NeededResources["secrets"][number],
  env: CommandHost["env"],
): Step {
  const value = env[name] ?? "";
  return {
    why: `the secret ${name}: ${why}`,
    args: ["secret", "put", name],
    secret: { name, value: value === "" ? null : value },
  };
}

function print({ steps, notes }: Work, json: boolean, { out }: CommandHost): ExitCode {
  if (json) {
    const printed = steps.map((step) => ({
      why: step.why,
      command: commandText(step),
      done: false,
    }));
    out(JSON.stringify({ applied: false, steps: printed, notes }, null, 2));
    return 0;
  }
  for (const step of steps) out(`# ${step.why}\n${commandText(step)}`);
  for (const note of notes) out(`# note: ${note}`);
  if (steps.length === 0) out("# nothing is missing");
  return 0;
}

async function perform(
  { steps, notes }: Work,
  wrangler: Wrangler,
  json: boolean,
  { out, err }: CommandHost,
): Promise<ExitCode> {
  const done: { why: string; command: string; done: boolean }[] = [];
  for (const step of steps) {
    const { why, args, secret } = step;
    const isLeft = secret?.value === null;
    if (!isLeft) await wrangler.change(args, secret?.value ?? undefined);
    done.push({ why, command: commandText(step), done: !isLeft });
    if (!json) out(isLeft ? `left to you: ${why}\n  ${commandText(step)}` : `made: ${why}`);
  }
  if (json) out(JSON.stringify({ applied: true, steps: done, notes }, null, 2));
  else {
    for (const note of notes) err(`note: ${note}`);
    if (steps.length === 0) out("nothing is missing");
  }
  return done.every((step) => step.done) ? 0 : 1;
}

/** Renders a step as a command for a shell. */
function commandText({ args }: Step): string {
  return `npx wrangler ${args.map((arg) => (/^[\w./:-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", String.raw`'\''`)}'`)).join(" ")}`;
}
