/**
 * Where the worker runs: releases of it side by side, isolates that serve requests and hold
 * objects, the objects themselves, and what each life finds in its `env` and `ctx.exports`.
 */
import { Isolate, type Release } from "./isolate.ts";
import { Life } from "./life.ts";
import { ObjectHost, type Performed } from "./object-host.ts";
import type { Platform } from "./platform.ts";
import { caller, invoke, request } from "./rpc.ts";

/** Isolates that serve requests, and that hold objects, at a time, of each release. */
const ISOLATES = 2;
/** Lifetime of an invocation beyond its answer, in milliseconds. */
const LIFE_MS = 30_000;

export interface EdgeSettings {
  readonly first: Release;
  /** The classes of objects. */
  readonly objects: readonly string[];
  /** The bindings, as a life uses them. */
  readonly bindings: Readonly<Record<string, (life: Life) => unknown>>;
  /** The skew of the clock of an object's machine, in milliseconds. */
  skewOf(label: string): number;
  /** Something of an object was committed, and these calls were answered in the same turn. */
  committed(host: ObjectHost, performed: readonly Performed[]): void;
  /** The platform has given the alarm of an object of this binding up: somebody must call it. */
  alarmGivenUp(host: ObjectHost): void;
  /** Tests if the object refuses the call of this method. */
  refuses(host: ObjectHost, method: string): boolean;
  /** A call has come to it. */
  called(host: ObjectHost, method: string, given: readonly unknown[]): void;
  /** Tests if the alarm of this object may be given up. */
  mayGiveUp(host: ObjectHost): boolean;
}

export class Edge {
  readonly platform: Platform;
  readonly hosts = new Map<string, ObjectHost>();
  readonly #settings: EdgeSettings;
  readonly #isolates = new Map<string, Isolate[]>();
  readonly #environment: new (life: Life) => object;
  /**
   * The release that is rolled out, and the one before, which `share` of requests and objects still
   * get.
   */
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

  /** Rolls a release out; this share of everything stays with the one before for now. */
  deploy(release: Release, share: number): void {
    const { now } = this.#releases;
    this.#released.set(release.name, release);
    this.#releases = { now: release, before: share > 0 ? now : release, share };
    this.platform.ground.tell(
      () => `${release.name} is deployed, ${Math.round(share * 100)} % stay with ${now.name}`,
    );
  }

  /** Ends the roll-out: everything gets the present release. */
  complete(): void {
    this.#releases = { now: this.#releases.now, before: this.#releases.now, share: 0 };
  }

  /** An invocation begins in some isolate. */
  begin(name: string): Life {
    const { dice } = this.platform;
    return new Life(
      this.platform,
      name,
      this.#isolate("requests", dice.next()),
      this.#settings.skewOf(""),
    );
  }

  /** The object of this class and name, asleep or awake. */
  host(className: string, name: string): ObjectHost {
    const key = `${className} ${name}`;
    const known = this.hosts.get(key);
    if (known !== undefined) return known;
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
    this.hosts.set(key, host);
    return host;
  }

  envOf(life: Life): object {
    return new this.#environment(life);
  }

  /**
   * `ctx.exports`: the namespaces of the worker's objects, and its own entrypoints, of the same
   * release, mostly in the same isolate.
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

  /** From now on the invocation lives for what it carries only, and not for long. */
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

/** A number from 0 to 1 of a text, the same always. */
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

/** The namespace of a class as a life uses it. */
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

  get({ name }: { readonly name: string }): object {
    return this.getByName(name);
  }
}

/**
 * A class whose objects have all bindings as their own, as on the platform: who copies one has them
 * all.
 */
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
