/** What `freshet types` writes of a plan: which events there are, and what each placement may show. */
export interface PlanShape {
  readonly events: { readonly [name: string]: object };
  readonly placements: { readonly [name: string]: DecidedShape };
}

export interface DecidedShape {
  readonly variant: string;
  readonly content: unknown;
  readonly items?: readonly unknown[];
}

/** Without a plan's types every name is right. */
export interface AnyPlan {
  readonly events: { readonly [name: string]: { readonly [property: string]: unknown } };
  readonly placements: {
    readonly [name: string]: {
      readonly variant: string;
      // Whoever gave no types knows what the content is, as with `JSON.parse`.
      readonly content: Content;
      readonly items?: readonly Content[];
    };
  };
}

export interface Content {
  readonly [name: string]: string | number | boolean | null | Content | readonly Content[];
}

export type EventName<P extends PlanShape> = keyof P["events"] & string;
export type PlacementName<P extends PlanShape> = keyof P["placements"] & string;

/** Decided by the server, or else what was to be shown without it. */
export type Decision<D extends DecidedShape> = Decided<D> | Undecided<D>;

export type Decided<D extends DecidedShape> = D & {
  readonly reason: "eligible" | "fallback";
  readonly experiment?: string;
};

export interface Undecided<D extends DecidedShape> {
  readonly variant: null;
  /** The fallback that was given; null where none was. */
  readonly content: D["content"] | null;
  readonly items?: undefined;
  /** Too slow; no answer, or no good one; asked for wrongly; not allowed to ask. */
  readonly reason: "timeout" | "unreachable" | "refused" | "consent";
}

export interface DecideOptions<P extends PlanShape, Name extends PlacementName<P>> {
  /** Past it the fallback is given; 300 unless said. */
  readonly timeoutMs?: number;
  readonly fallback?: { readonly [N in Name]?: P["placements"][N]["content"] };
  /** Asks again, whatever was decided for this page view. */
  readonly fresh?: boolean;
}

export type Decisions<P extends PlanShape, Name extends PlacementName<P>> = {
  readonly [N in Name]: Decision<P["placements"][N]>;
};
