/** Properties that only the small script itself reads and writes. */
export const internalNames: readonly string[];
