/**
 * In place of src/worker/hide-own-env.ts, which hides Peach's bindings from what files leave behind: tests look from there. Each file of the
 * pool evaluates the modules anew, and one that is evaluated while another has hidden them would find none. e2e/boundaries shows the real one.
 */
export const hiddenEnv: object = {};

export function hideExports(): void {}
