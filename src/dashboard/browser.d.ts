/** What browsers have and the compiler's library does not know yet. */
interface Window {
  readonly trustedTypes?: {
    createPolicy(name: string, rules: { createScriptURL(url: string): string }): unknown;
  };
}

/** The address of the layout's web worker; the build puts it in. */
declare const LAYOUT_WORKER: string;
