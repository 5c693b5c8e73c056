import { isCore } from "../queue/index.ts";
import { idOf, nameOf, type Properties, pageArguments, propertiesOf } from "../shell/arguments.ts";
import { type Dropped, openJournal, type Status } from "../shell/journal.ts";
import type { AnyPlan, EventName, PlanShape } from "../shell/plan.ts";
import { type Capture, type EventFields, openCapture } from "./capture.ts";
import { openConsent, type Preferences } from "./consent.ts";
import { pageOf } from "./context.ts";
import { withCookie } from "./cookie.ts";
import { type Decide, openDecide } from "./decide.ts";
import { browserLimits } from "./limits.ts";
import type { CallOptions, FreshetOptions } from "./options.ts";
import { openStore } from "./storage.ts";
import { openSubscribe, type Subscribe } from "./subscribe.ts";
import { openVisitor } from "./visitor.ts";

/** Capture and decisions of a page. No method throws or rejects: what cannot be sent is counted and told. */
export interface Freshet<P extends PlanShape = AnyPlan> {
  track<Name extends EventName<P>>(event: Name, ...rest: PropertiesOf<P["events"][Name]>): void;
  identify(userId: string, traits?: Properties, options?: CallOptions): void;
  identify(traits: Properties, options?: CallOptions): void;
  page(name?: string, properties?: Properties, options?: CallOptions): void;
  page(category: string, name: string, properties?: Properties, options?: CallOptions): void;
  page(properties: Properties, options?: CallOptions): void;
  screen(name?: string, properties?: Properties, options?: CallOptions): void;
  group(groupId: string, traits?: Properties, options?: CallOptions): void;
  alias(userId: string, previousId?: string, options?: CallOptions): void;
  /** Forgets who this is: from now on this browser is one that nobody has seen. */
  reset(): void;
  /** What the visitor agrees to; `analytics` decides whether there are events at all. */
  consent(preferences: Preferences): void;
  readonly decide: Decide<P>;
  readonly subscribe: Subscribe<P>;
  /** Sends what waits; resolves when the server has it, or it was dropped. */
  flush(): Promise<void>;
  anonymousId(): string;
  userId(): string | null;
  sessionId(): string;
  status(): Status;
}

/** Properties may be left out where none is required. */
type PropertiesOf<Shape extends object> =
  Record<never, never> extends Shape
    ? [properties?: Shape, options?: CallOptions]
    : [properties: Shape, options?: CallOptions];

/** A client, and what a script tag needs beside it. */
export interface Client {
  readonly freshet: Freshet;
  /** Runs calls that were made earlier, with their time. */
  asOf(time: number, work: () => void): void;
}

/** A client for one page. */
export function openClient(options: FreshetOptions): Client {
  const journal = openJournal(options.onDrop);
  const store = openStore();
  const place = !isCore && options.cookie ? withCookie(store, options.cookie) : store;
  const consent = openConsent(place, options);
  const visitor = openVisitor(place, consent);
  const settings = {
    // The script always says where it came from.
    url: (isCore ? String(options.url) : (options.url ?? location.origin)).replace(/\/+$/, ""),
    writeKey: isCore ? options.writeKey : String(options.writeKey),
    bounds: isCore ? browserLimits : { ...browserLimits, ...options.limits },
    identityToken: options.identityToken,
  };
  let told = (): void => {};
  const heard = isCore ? {} : { settled: () => told() };
  const capture = openCapture({ settings, journal, store, consent, visitor, ...heard });
  const decide = openDecide({ settings, capture, consent, visitor }, options.decideMs);
  const forget = (): void => {
    decide.forget();
    told();
  };
  const changed = isCore ? decide.forget : forget;

  /** Whatever a page passes, its next line runs. */
  const guard =
    (work: (...args: never[]) => void) =>
    (...args: never[]): void => {
      try {
        work(...args);
      } catch (error) {
        journal.take();
        journal.drop({ reason: "invalid", detail: String(error) }, args as Dropped);
      }
    };
  const methods = methodsOf({ capture, changed, visitor, consent });
  const guarded = Object.fromEntries(
    Object.entries(methods).map(([name, method]) => [name, guard(method)]),
  ) as unknown as Freshet;
  const freshet: Freshet = {
    ...guarded,
    decide: decide.decide as Decide<AnyPlan>,
    flush: capture.queue.flush,
    anonymousId: () => visitor.read().anonymousId,
    userId: () => visitor.read().userId,
    sessionId: () => visitor.read().sessionId,
    status: journal.status,
  };
  if (!isCore) {
    const { url } = settings;
    const { subscribe, changed } = openSubscribe({ url, token: options.token, visitor, decide });
    told = changed;
    Object.assign(freshet, { subscribe });
  }
  return { freshet, asOf: capture.asOf };
}

interface MethodsPorts {
  readonly capture: Capture;
  readonly visitor: ReturnType<typeof openVisitor>;
  readonly consent: ReturnType<typeof openConsent>;
  /** The page, or who looks at it, is another one now. */
  changed(): void;
}

/** Segment's methods, with their ways to leave arguments out. */
function methodsOf({ capture, visitor, consent, changed }: MethodsPorts) {
  const send = (type: string, fields: EventFields, options: unknown): void =>
    capture.event(type, fields, propertiesOf(options, "options") as CallOptions);

  const visit =
    (type: string, own: () => Properties) =>
    (...given: readonly unknown[]): void => {
      const { options, properties, ...names } = pageArguments(given);
      changed();
      send(type, { ...names, properties: { ...own(), ...names, ...properties } }, options);
    };

  const become = (userId: string): void => {
    visitor.become({ userId });
    changed();
  };

  return {
    track(event: unknown, properties?: unknown, options?: unknown): void {
      const fields = {
        event: nameOf(event, "event"),
        properties: propertiesOf(properties, "properties"),
      };
      send("track", fields, options);
    },
    identify(...given: unknown[]): void {
      const id = typeof given[0] === "object" && given[0] ? null : given.shift();
      const fields = { traits: propertiesOf(given[0], "traits") };
      if (id != null) become(idOf(id, "userId"));
      send("identify", fields, given[1]);
    },
    page: visit("page", pageOf),
    screen: visit("screen", () => ({})),
    group(groupId: unknown, traits?: unknown, options?: unknown): void {
      const fields = {
        groupId: idOf(groupId, "groupId"),
        traits: propertiesOf(traits, "traits"),
      };
      send("group", fields, options);
    },
    alias(to: unknown, from?: unknown, options?: unknown): void {
      const userId = idOf(to, "userId");
      const known = visitor.read();
      const previousId = idOf(from ?? known.userId ?? known.anonymousId, "previousId");
      become(userId);
      send("alias", { userId, previousId }, options);
    },
    reset(): void {
      visitor.reset();
      changed();
    },
    consent(preferences: unknown): void {
      consent.say(propertiesOf(preferences, "preferences") as Preferences);
      capture.permit();
      changed();
    },
  };
}
