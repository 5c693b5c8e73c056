/** A random UUID (version 4). Pages without https have no `randomUUID`. */
export function uuid(): string {
  const random = crypto.getRandomValues(new Uint8Array(36));
  // Two digits say that it is random: the other 120 bits are.
  return "xxxxxxxx-xxxx-4xxx-axxx-xxxxxxxxxxxx".replace(/x/g, (_, at: number) =>
    ((random[at] ?? 0) & 15).toString(16),
  );
}
