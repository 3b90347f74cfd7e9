/** What a deploy would change. Pure. */

/** Something of peach.conf by its name, with what is configured of it. */
export interface Described {
  readonly name: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

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

/** By name; what stays the same is left out. Properties that only one side knows are compared with null. */
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

/** JSON in which the order of properties does not count. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
