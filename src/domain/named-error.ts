/** Whether an error has this name, here or in the object that was called: over RPC the name is left only in front of the message. */
export function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && (error.name === name || error.message.startsWith(`${name}: `));
}
