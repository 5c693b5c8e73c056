/** Limits of what the edge remembers and looks at, with their reasons. */
export const edgeLimits = {
  /** Longer texts are not looked at: real user agents end at 500 characters, and the look is linear in them. */
  agentCharsMax: 1024,
  /** User agents whose meaning is remembered, in two generations; a busy site sees some thousand. */
  agentsMax: 10_000,
  /** Addresses whose place is remembered, in two generations. */
  addressesMax: 20_000,
  /** Characters of an address of a page, and of one campaign parameter; more is cut off. */
  pageUrlCharsMax: 4096,
  campaignCharsMax: 256,
  /** Queries whose campaign is remembered, in two generations, and their length: bounds the memory that they take. */
  campaignsMax: 5000,
  campaignQueryCharsMax: 512,
  /** Events of one anonymous id or address in one second from which on they are suspicious, unless said. */
  suspiciousEventsPerSecond: 50,
  /** Cells of each of the two rows that count them: 12 bytes each, whatever number of visitors comes. */
  activityCells: 65_536,
  /** Addresses with a token bucket of their own; the one that was used longest ago goes first. */
  bucketsMax: 100_000,
  /** Characters of an identity token; longer ones are refused unread. */
  identityTokenCharsMax: 8192,
  /** Verified tokens that are remembered, in two generations. */
  identityTokensMax: 10_000,
  /** Signatures that one request may make us verify; a signature costs up to 0.2 ms. Honest requests have one. */
  identityChecksMax: 50,
  /** How far the clocks of the token's maker and of this machine may be apart, unless said. */
  identitySkewSeconds: 60,
  /** Characters of a hash key: below, hashed texts could be guessed by trying keys. */
  hashKeyCharsMin: 16,
  /** Rules for fields of one source: each is a walk over every event. */
  privacyFieldsMax: 100,
} as const;
