import type { FormattedLog } from "../../src/adapters/log/formatted-log.ts";
import { compactFormats } from "../../src/adapters/log/payload/codec.ts";
import { layoutOf } from "../../src/adapters/log/payload/event-layout.ts";

/** Every way in which a log writes its events. */
export const formats = ["json", ...compactFormats] as const;
export type LogFormat = (typeof formats)[number];

/** Knows the events of the contract suites, and one of their two properties. */
export const contractLayout = layoutOf({
  events: [
    { name: "Product Viewed", properties: { number: { kind: "integer", optional: false } } },
  ],
  tables: [],
  joins: [],
});

/** The log, writing events in this format from now on. */
export async function writingAs<L extends FormattedLog>(format: LogFormat, log: L): Promise<L> {
  await log.writeEventsAs(format === "json" ? null : { format, layout: contractLayout });
  return log;
}
