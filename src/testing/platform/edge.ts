/**
 * The places of the worker: releases side by side, isolates for requests and objects, the objects
 * themselves, and the `env` and `ctx.exports` of each life.
 */
import { Isolate, type Release } from "./isolate.ts";
import { Life } from "./life.ts";
import { ObjectHost, type Performed } from "./object-host.ts";
import type { Platform } from "./platform.ts";
import { caller, invoke, request } from "./rpc.ts";

/** The number of isolates of a release: so many for requests, and so many for objects. */
const ISOLATES = 2;
/** The lifetime of an invocation after the answer, in milliseconds. */
const LIFE_MS = 30_000;

export interface EdgeSettings {
  readonly first: Release;
  /** The classes of objects. */
  readonly objects: readonly string[];
  /** The bindings, as a life uses them. */
  readonly bindings: Readonly<Record<string, (life: Life) => unknown>>;
  /** The skew of the clock of an object's machine, in milliseconds. */
  skewOf(label: string): number;
  /** Reports a commit of an object, with the calls answered in the same turn. */
  committed(host: ObjectHost, performed: readonly Performed[]): void;
  /** Reports that the platform gave up an alarm. Only a call wakes the object now. */
  alarmGivenUp(host: ObjectHost): void;
  /** Tests if the object refuses the call of this method. */
  refuses(host: ObjectHost, method: string): boolean;
  /** Reports the arrival of a call at an object. */
  called(host: ObjectHost, method: string, given: readonly unknown[]): void;
  /** Tests if the alarm of this object may be given up. */
  mayGiveUp(host: ObjectHost): boolean;
}

export class Edge {
  readonly platform: Platform;
  /** Every object, in the order of creation. */
  readonly hosts = new Set<ObjectHost>();
  /** The same by class and name: a key of both would be a new text, to hash anew, for each call. */
  readonly #named = new Map<string, Map<string, ObjectHost>>();
  readonly #settings: EdgeSettings;
  readonly #isolates = new Map<string, Isolate[]>();
  readonly #environment: new (life: Life) => object;
  /** The newest release, the release before, and the share of the older release. */
  #releases: { readonly now: Release; readonly before: Release; readonly share: number };
  readonly #released = new Map<string, Release>();
  #made = 0;

  constructor(platform: Platform, settings: EdgeSettings) {
    this.platform = platform;
    this.#settings = settings;
    this.#releases = { now: settings.first, before: settings.first, share: 0 };
    this.#released.set(settings.first.name, settings.first);
    this.#environment = environmentOf(settings);
  }

  get release(): Release {
    return this.#releases.now;
  }

  /** Rolls out a release. A share of requests and objects stays with the older release. */
  deploy(release: Release, share: number): void {
    const { now } = this.#releases;
    this.#released.set(release.name, release);
    this.#releases = { now: release, before: share > 0 ? now : release, share };
    this.platform.ground.tell(
      () => `${release.name} is deployed, ${Math.round(share * 100)} % stay with ${now.name}`,
    );
  }

  /** Ends a roll-out: all requests and objects get the newest release. */
  complete(): void {
    this.#releases = { now: this.#releases.now, before: this.#releases.now, share: 0 };
  }

  /** Begins an invocation in an isolate. */
  begin(name: string): Life {
    const { dice } = this.platform;
    return new Life(
      this.platform,
      name,
      this.#isolate("requests", dice.next()),
      this.#settings.skewOf(""),
    );
  }

  /** Returns the object of a class and name, asleep or awake. */
  host(className: string, name: string): ObjectHost {
    const named = this.#named.get(className) ?? new Map<string, ObjectHost>();
    const known = named.get(name);
    if (known !== undefined) return known;
    const key = `${className} ${name}`;
    const place = new Dice32(key).next();
    const host = new ObjectHost({
      platform: this.platform,
      className,
      name,
      skewMs: this.#settings.skewOf(key),
      isolate: () => this.#isolate("objects", place),
      env: (life) => this.envOf(life),
      exports: (life) => this.exportsOf(life),
      committed: (committed, performed) => this.#settings.committed(committed, performed),
      mayGiveUp: (given) => this.#settings.mayGiveUp(given),
      alarmGivenUp: (given) => this.#settings.alarmGivenUp(given),
      refuses: (asked, method) => this.#settings.refuses(asked, method),
      called: (called, method, given) => this.#settings.called(called, method, given),
    });
    this.hosts.add(host);
    this.#named.set(className, named.set(name, host));
    return host;
  }

  envOf(life: Life): object {
    return new this.#environment(life);
  }

  /**
   * Returns `ctx.exports`: the namespaces of objects, and the entrypoints of the same release. An
   * entrypoint mostly runs in the same isolate.
   */
  exportsOf(life: Life): object {
    return new Proxy(
      {},
      {
        get: (_, entrypoint) => {
          if (typeof entrypoint !== "string") return undefined;
          if (this.#settings.objects.includes(entrypoint))
            return new Namespace(this, entrypoint, life);
          return caller((method, given) =>
            request(life, `${entrypoint}.${method}`, (answer, remote) => {
              const { dice } = this.platform;
              const isHere = life.isolate.alive && dice.chance(0.7);
              const isolate = isHere
                ? life.isolate
                : this.#pick(
                    "requests",
                    this.#released.get(life.isolate.release.name) ?? this.release,
                  );
              const called = new Life(
                this.platform,
                `${entrypoint} ${++this.#made}`,
                isolate,
                life.skewMs,
              );
              this.platform.current = called;
              const instance = isolate.make(entrypoint, this.contextOf(called), this.envOf(called));
              invoke(called, instance, method, given, answer, remote);
              this.answered(called);
            }),
          );
        },
      },
    );
  }

  /** Makes the context of an invocation. */
  contextOf(life: Life): object {
    return {
      exports: this.exportsOf(life),
      props: {},
      waitUntil: (work: unknown) => life.carry(Promise.resolve(work)),
      passThroughOnException: () => undefined,
    };
  }

  /** Notes the answer. From here only pending work keeps the invocation alive, for a while. */
  answered(life: Life): void {
    life.endsWhenIdle = true;
    this.platform.after(life, LIFE_MS, () => life.kill("its 30 seconds are over"));
  }

  #isolate(pool: string, place: number): Isolate {
    const { now, before, share } = this.#releases;
    return this.#pick(pool, place < share ? before : now);
  }

  #pick(pool: string, release: Release): Isolate {
    const key = `${pool} of ${release.name}`;
    const alive = (this.#isolates.get(key) ?? []).filter((isolate) => isolate.alive);
    const index = this.platform.dice.between(0, ISOLATES - 1);
    const known = alive[index];
    if (known !== undefined) return known;
    const isolate = new Isolate(this.platform, `isolate ${++this.#made} for ${key}`, release);
    this.#isolates.set(key, [...alive, isolate]);
    return isolate;
  }
}

/** Maps a text to a number from 0 to 1, always the same. */
class Dice32 {
  #hash = 0x811c9dc5;

  constructor(text: string) {
    for (let index = 0; index < text.length; index += 1)
      this.#hash = Math.imul(this.#hash ^ text.charCodeAt(index), 0x01000193);
    this.#hash ^= this.#hash >>> 15;
  }

  next(): number {
    return (this.#hash >>> 0) / 2 ** 32;
  }
}

/** The namespace of a class of objects, for a life. */
class Namespace {
  readonly #edge: Edge;
  readonly #className: string;
  readonly #life: Life;

  constructor(edge: Edge, className: string, life: Life) {
    this.#edge = edge;
    this.#className = className;
    this.#life = life;
  }

  getByName(name: string): object {
    const life = this.#life;
    const host = this.#edge.host(this.#className, name);
    const own = { name, id: this.idFromName(name) };
    return caller(
      (method, given) => request(life, `${method} of ${host.label}`, host.arrival(method, given)),
      own,
    );
  }

  idFromName(name: string): { readonly name: string; toString(): string } {
    return { name, toString: () => `id-of-${name}` };
  }

  idFromString(id: string): { readonly name: string; toString(): string } {
    return this.idFromName(id.slice("id-of-".length));
  }

  get({ name }: { readonly name: string }): object {
    return this.getByName(name);
  }
}

/** Makes a class with all bindings as own properties: as on the platform, a copy has them all. */
function environmentOf({ bindings, first }: EdgeSettings): new (life: Life) => object {
  const makers: (readonly [string, (life: Life) => unknown])[] = [
    ...Object.entries(bindings),
    ...Object.keys(first.variables).map(
      (name) => [name, (life: Life) => life.isolate.release.variables[name]] as const,
    ),
  ];
  return class {
    [name: string]: unknown;

    constructor(life: Life) {
      for (const [name, of] of makers) this[name] = of(life);
    }
  };
}
