import { PEACH } from "../compiler/peach-command.ts";

/**
 * The commands for texts of the API: a hint of the API names calls, and people type commands. The
 * API does not know how the command line is started.
 */
const COMMANDS: readonly (readonly [text: string, command: string])[] = [
  ["POST /api/v1/runs/{id}/replay", `${PEACH} replay RUN`],
  ["GET /api/v1/runs/{id}/tasks/{task}/items", `${PEACH} items RUN TASK`],
  ["GET /api/v1/dead-letters", `${PEACH} dead-letters`],
  ["GET /api/v1/schedules", `${PEACH} schedules --deployed`],
  [
    'Send {"name": "shop", "scopes": ["trigger"], "expires_in": "30d"}.',
    `Write it as \`${PEACH} tokens create shop --scopes trigger --expires-in 30d\`.`,
  ],
  ["npm run peach --", PEACH],
];

/** Replaces the calls in a hint of the API by commands. */
export function inCommands(hint: string): string {
  return COMMANDS.reduce((text, [call, command]) => text.replaceAll(call, command), hint);
}
