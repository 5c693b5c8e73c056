import { webhookSink } from "../adapters/sink/webhook.ts";
import type { Clock } from "../engine/port/clock.ts";
import { type Sink, SinkConfigError } from "../engine/port/sink.ts";
import type { DestinationConfig, Settings } from "./config.ts";
import { UsageError } from "./usage-error.ts";

export interface SinkOptions {
  readonly clock: Clock;
  /** Base address of this server; asked when the first effect leaves, which is after it listens. */
  readonly url: () => string;
}

/** Before anything is opened, so that a wrong address or secret leaves nothing behind. */
export function createSinks({ destinations }: Settings, options: SinkOptions): Sink[] {
  try {
    return Object.entries(destinations).map(([name, destination]) =>
      destination.url.startsWith("/")
        ? ownSink(name, destination, options)
        : webhookSink({ name, ...destination, clock: options.clock }),
    );
  } catch (error) {
    if (error instanceof SinkConfigError) throw new UsageError(error.message, error.hint);
    throw error;
  }
}

/** To a route of this server, whose port may be known only once it listens. */
function ownSink(
  name: string,
  { url: path, secret }: DestinationConfig,
  options: SinkOptions,
): Sink {
  const sinkAt = (base: string) =>
    webhookSink({ name, url: `${base}${path}`, secret, clock: options.clock });
  // Made and thrown away: finds what is wrong with path or secret now.
  void sinkAt("http://127.0.0.1").close();
  let sink: Sink | null = null;
  return {
    name,
    send(effect, cancellation) {
      sink ??= sinkAt(options.url());
      return sink.send(effect, cancellation);
    },
    close: async () => sink?.close(),
  };
}
