/** Who the page speaks for, in the words of the profile interfaces. */
export type Identity = { readonly userId: string } | { readonly anonymousId: string };

export const sameIdentity = (a: Identity | undefined, b: Identity): boolean =>
  JSON.stringify(a) === JSON.stringify(b);
