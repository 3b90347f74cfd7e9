/**
 * Tests the name of an error, local or remote. RPC keeps the name only as a prefix of the message.
 */
export function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && (error.name === name || error.message.startsWith(`${name}: `));
}
