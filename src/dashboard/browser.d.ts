/** Browser features that TypeScript's library does not declare yet. */
interface Window {
  readonly trustedTypes?: {
    createPolicy(name: string, rules: { createScriptURL(url: string): string }): unknown;
  };
}

/** The URL of the layout's web worker, which the build inserts. */
declare const LAYOUT_WORKER: string;
