import { compactFormats } from "../../adapters/log/payload/codec.ts";
import { object, oneOf } from "../check.ts";

export const logFormats = ["json", ...compactFormats] as const;
export type LogFormat = (typeof logFormats)[number];

/** How the log is written. */
export interface LogConfig {
  /**
   * Format of events on the log: `json` unless said. A folder may have events in all of them; what is written stays as
   * it is.
   */
  readonly format?: LogFormat;
}

const shape = object({ format: oneOf(...logFormats) });

/** The format in force; the environment wins. Throws a UsageError at what is wrong. */
export function logFormatOf(
  config: LogConfig | undefined,
  variable: string | undefined,
): LogFormat {
  if (config !== undefined) shape(config, "log");
  if (variable === undefined) return config?.format ?? "json";
  oneOf(...logFormats)(variable, "FRESHET_LOG_FORMAT");
  return variable as LogFormat;
}
