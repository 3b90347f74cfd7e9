/** Connections of the running task or endpoint, each opened at its first use. */
import type { scopeOf } from "../execution/author/context.ts";
import { log } from "../platform/log.ts";
import type { StoreName } from "./errors.ts";

/** The running task or endpoint. */
export type Scope = ReturnType<typeof scopeOf>;

/** A connection of one invocation. */
export interface Connection {
  /** Calls without an answer yet. */
  readonly underWay: number;
  /** True if the connection has ended, and another one must be opened. */
  readonly isOver: boolean;
  /** Ends the connection. Calls under way are rejected. */
  close(): void;
}

/**
 * The connections of one kind: one for each invocation and each configuration. A connection cannot
 * be kept for the next invocation: the platform binds a socket to the invocation that opened it.
 */
export class Connections<Kind extends Connection> {
  readonly #store: StoreName;
  readonly #open = new WeakMap<Scope, Map<string, Kind>>();

  constructor(store: StoreName) {
    this.#store = store;
  }

  /** Returns the connection of the invocation. Throws if the invocation is over. */
  of(scope: Scope, key: string, open: () => Kind): Kind {
    const all = this.#open.get(scope) ?? new Map<string, Kind>();
    this.#open.set(scope, all);
    const before = all.get(key);
    if (before !== undefined && !before.isOver) return before;
    const store = this.#store;
    let opened: Kind | null = null;
    scope.resources.add(`${store}()`, () => {
      if (opened === null || opened.isOver) return;
      if (opened.underWay > 0)
        log("warn", "calls of a store were cut off by the end of their task or endpoint", {
          store,
          calls: opened.underWay,
          [scope.kind]: scope.name,
        });
      opened.close();
    });
    opened = open();
    all.set(key, opened);
    return opened;
  }
}
