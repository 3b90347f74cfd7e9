/** Computes the changes of a deploy. Pure. */

/** A task, endpoint or schedule by name, with its configuration. */
export interface Described {
  readonly name: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** A difference between the deployed and the local configuration. */
export type Change =
  | { readonly change: "added" | "removed"; readonly name: string }
  | {
      readonly change: "changed";
      readonly name: string;
      readonly properties: readonly {
        readonly name: string;
        readonly from: unknown;
        readonly to: unknown;
      }[];
    };

/**
 * Compares by name and leaves out unchanged entries. A property that only one side has is compared
 * with null.
 */
export function diff(deployed: readonly Described[], local: readonly Described[]): Change[] {
  const before = new Map(deployed.map((one) => [one.name, one.properties]));
  const names = new Set(local.map(({ name }) => name));
  const changes = local.flatMap(({ name, properties }): Change[] => {
    const old = before.get(name);
    if (old === undefined) return [{ change: "added", name }];
    const changed = [...new Set([...Object.keys(old), ...Object.keys(properties)])].flatMap(
      (property) => {
        const from = old[property] ?? null;
        const to = properties[property] ?? null;
        return canonical(from) === canonical(to) ? [] : [{ name: property, from, to }];
      },
    );
    return changed.length === 0 ? [] : [{ change: "changed", name, properties: changed }];
  });
  const removed = deployed.filter(({ name }) => !names.has(name));
  return [...changes, ...removed.map(({ name }) => ({ change: "removed" as const, name }))];
}

/** Renders a value as JSON with sorted keys, so that their order does not matter. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
