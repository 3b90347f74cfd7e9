/** The commands for calls of the API: a hint of the API names calls, and people type commands. */
const COMMANDS: readonly (readonly [call: string, command: string])[] = [
  ["POST /api/v1/runs/{id}/replay", "npm run peach -- replay RUN"],
  ["GET /api/v1/runs/{id}/tasks/{task}/items", "npm run peach -- items RUN TASK"],
  ["GET /api/v1/dead-letters", "npm run peach -- dead-letters"],
  ["GET /api/v1/schedules", "npm run peach -- schedules --deployed"],
];

/** Replaces the calls in a hint of the API by commands. */
export function inCommands(hint: string): string {
  return COMMANDS.reduce((text, [call, command]) => text.replaceAll(call, command), hint);
}
