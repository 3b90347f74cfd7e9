/**
 * Computes the notification rules that R2 needs for every `on.r2` of a plan. R2 refuses overlapping
 * rules of a bucket for the same event: overlapping rules are widened into a single rule. Surplus
 * notifications do no harm, since the worker matches each object exactly. Pure.
 */
import type { Plan } from "../domain/plan/plan.ts";

/** Event types, as wrangler names them. */
export type EventType = "object-create" | "object-delete";

/** A rule. An empty prefix or suffix matches every key. */
export interface NotificationRule {
  readonly bucket: string;
  readonly event: EventType;
  readonly prefix: string;
  readonly suffix: string;
}

/** Computes the rules of a plan; no two of them overlap. */
export function neededRules({ tasks }: Plan): NotificationRule[] {
  const wanted = Object.values(tasks).flatMap(({ on }) =>
    on.r2.flatMap(({ bucket, prefix, suffix, actions }) =>
      actions.map((action) => ({ bucket, event: `object-${action}` as const, prefix, suffix })),
    ),
  );
  return wanted.reduce<NotificationRule[]>(withRule, []);
}

/** Tests if an object can match both rules. */
export function overlap(a: NotificationRule, b: NotificationRule): boolean {
  return (
    a.bucket === b.bucket &&
    a.event === b.event &&
    (a.prefix.startsWith(b.prefix) || b.prefix.startsWith(a.prefix)) &&
    (a.suffix.endsWith(b.suffix) || b.suffix.endsWith(a.suffix))
  );
}

/** Tests if every object that matches `inner` also matches `outer`. */
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
  // Two rules overlap if either prefix begins with the other and either suffix ends with the other.
  // The shorter ones match both.
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
