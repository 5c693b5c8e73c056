import { type Cell, cell } from "../cell.ts";
import { fields, text } from "../json.ts";
import { ask } from "./api.ts";
import { chosenSdk, type Sdk, type SdkName, sdks } from "./sdk.ts";

/**
 * What the shop tells, through Segment's SDK or Freshet's own.
 * C1 Calls before the SDK is ready are kept in order, with the time they were made.
 * C2 No call throws or rejects: capture never breaks a page.
 */
export interface Capture {
  page(name: string): void;
  track(event: string, properties?: object): void;
  identify(userId: string, traits: object): void;
  /** Forgets user and anonymous id: to Freshet this is a device that it has never seen. */
  reset(): void;
  anonymousId(): string | undefined;
  userId(): string | undefined;
  /** Which SDK; undefined until it is known. */
  readonly sdk: Cell<SdkName | undefined>;
}

export interface CaptureOptions {
  /** Called once, when the SDK knows who the visitor is. */
  readonly ready: () => void;
  /** Called each time the SDK could not be started; it is tried again. */
  readonly failed: () => void;
  /** Called for every event that is handed to the SDK. */
  readonly sent: () => void;
}

type Call = (sdk: Sdk, at: Date) => void;

/** Past it the oldest go: a page that is offline for hours must not grow without bound. */
const WAITING_MAX = 200;
const RETRY_MS = 4000;

export function startCapture(options: CaptureOptions): Capture {
  const name = cell<SdkName | undefined>(undefined);
  let sdk: Sdk | undefined;
  let waiting: { readonly call: Call; readonly at: Date }[] = [];

  const send = (call: Call): void => {
    options.sent();
    if (sdk !== undefined) call(sdk, new Date());
    else waiting = [...waiting, { call, at: new Date() }].slice(-WAITING_MAX);
  };
  void loadUntilReady(options.failed).then((loaded) => {
    sdk = loaded.sdk;
    name.set(loaded.name);
    for (const { call, at } of waiting) call(loaded.sdk, at);
    waiting = [];
    options.ready();
  });
  return {
    page(title) {
      // SDKs leave hashes out, and here the hash is the address.
      const place = { path: location.hash.slice(1) || "/", url: location.href };
      send((it, at) => it.page(title, place, at));
    },
    track: (event, properties = {}) => send((it, at) => it.track(event, properties, at)),
    identify: (userId, traits) => send((it, at) => it.identify(userId, traits, at)),
    // Before the SDK is there, the reset keeps its place among the waiting calls.
    reset: () => (sdk ? sdk.reset() : send((it) => it.reset())),
    anonymousId: () => sdk?.anonymousId(),
    userId: () => sdk?.userId(),
    sdk: name,
  };
}

interface Loaded {
  readonly name: SdkName;
  readonly sdk: Sdk;
}

async function loadUntilReady(failed: () => void): Promise<Loaded> {
  for (;;) {
    const loaded = await load();
    if (loaded !== undefined) return loaded;
    failed();
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

async function load(): Promise<Loaded | undefined> {
  const session = await ask("/shop/session");
  const writeKey = session.ok ? text(fields(session.body).writeKey) : "";
  if (!session.ok || writeKey === "") return undefined;
  const name = chosenSdk(session.body);
  return sdks[name](writeKey).then(
    (sdk) => ({ name, sdk }),
    () => undefined,
  );
}
