/**
 * The rules by which R2 has to report objects so that every `on.r2` of a plan is served. R2 refuses two rules of a bucket that overlap
 * for the same events, so rules that do are widened into one: too many reports do no harm, since the worker matches each exactly. Pure.
 */
import type { Plan } from "../domain/plan/plan.ts";

/** As wrangler names them. */
export type EventType = "object-create" | "object-delete";

/** Empty texts fit every key. */
export interface NotificationRule {
  readonly bucket: string;
  readonly event: EventType;
  readonly prefix: string;
  readonly suffix: string;
}

/** The rules that a plan needs, none overlapping another. */
export function neededRules({ tasks }: Plan): NotificationRule[] {
  const wanted = Object.values(tasks).flatMap(({ on }) =>
    on.r2.flatMap(({ bucket, prefix, suffix, actions }) =>
      actions.map((action) => ({ bucket, event: `object-${action}` as const, prefix, suffix })),
    ),
  );
  return wanted.reduce<NotificationRule[]>(withRule, []);
}

/** Whether an object may fit both. */
export function overlap(a: NotificationRule, b: NotificationRule): boolean {
  return (
    a.bucket === b.bucket &&
    a.event === b.event &&
    (a.prefix.startsWith(b.prefix) || b.prefix.startsWith(a.prefix)) &&
    (a.suffix.endsWith(b.suffix) || b.suffix.endsWith(a.suffix))
  );
}

/** Whether every object that fits `inner` fits `outer`. */
export function covers(outer: NotificationRule, inner: NotificationRule): boolean {
  return (
    overlap(outer, inner) &&
    inner.prefix.startsWith(outer.prefix) &&
    inner.suffix.endsWith(outer.suffix)
  );
}

function withRule(rules: readonly NotificationRule[], rule: NotificationRule): NotificationRule[] {
  const other = rules.find((known) => overlap(known, rule));
  if (other === undefined) return [...rules, rule];
  // Of two that overlap, one prefix begins with the other, and one suffix ends with the other: the shorter ones fit both.
  const joined = {
    ...rule,
    prefix: shorter(rule.prefix, other.prefix),
    suffix: shorter(rule.suffix, other.suffix),
  };
  return withRule(
    rules.filter((known) => known !== other),
    joined,
  );
}

function shorter(a: string, b: string): string {
  return a.length <= b.length ? a : b;
}
