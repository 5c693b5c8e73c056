/** How the tables of the state store are keyed. */

/** `entity:<entity>:<key>`; every other key is a profile's. */
export function entityKey(entity: string, key: string): string {
  return `entity:${entity}:${key}`;
}

export function isEntityKey(key: string): boolean {
  return key.startsWith("entity:");
}

export function entityOf(key: string): string {
  const start = "entity:".length;
  return key.slice(start, key.indexOf(":", start));
}

/** Sorts by time. */
export function timerKey(time: number, key: string): string {
  return `${hexTime(time)}/${key}`;
}

export function hexTime(time: number): string {
  return Math.max(0, Math.floor(time)).toString(16).padStart(14, "0");
}
