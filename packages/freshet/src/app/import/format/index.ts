import type { JsonObject } from "@freshet/protocol";
import { CsvReader } from "../csv.ts";
import { LineReader, type ParsedLine, parseJsonLine } from "../lines.ts";
import type { RowReader } from "../row.ts";
import { accessColumns } from "./access.ts";
import { parseAccessJson, readCaddy, readNginx, readTraefik } from "./access-json.ts";
import { parseAccessLine } from "./access-line.ts";
import { readGa4 } from "./ga4.ts";
import { readMixpanel } from "./mixpanel.ts";
import { pageView } from "./page-view.ts";
import type { BuiltEvent, BuiltOptions } from "./type.ts";

export type { BuiltEvent, BuiltOptions } from "./type.ts";

/** One format that `freshet import` reads. */
export interface Format {
  /** For `--help` and for what was detected. */
  readonly title: string;
  /** Columns that rows always have; null where the file's header or its rows say. */
  readonly columns: readonly string[] | null;
  /** Others write to the file and rotate it: it is known by its beginning, and may have grown. */
  readonly isLog: boolean;
  /** False where bytes that are not UTF-8 are what strangers sent, and no reason to refuse a file. */
  readonly isUtf8: boolean;
  /** `wanted` are the columns that the mapping reads. */
  reader(wanted: ReadonlySet<string>): RowReader;
  /** What a row means without a mapping of the plan; null for formats that say nothing about that. */
  readonly builtIn: BuiltIn | null;
}

/** The event of a row, null where it is left out, or why it cannot be one. */
export type BuiltIn = (values: JsonObject, options: BuiltOptions) => BuiltEvent | string | null;

/** Every format by the name that `--format` takes. */
export const formats = {
  csv: {
    title: "CSV",
    columns: null,
    isLog: false,
    isUtf8: true,
    reader: (wanted) => new CsvReader(wanted),
    builtIn: null,
  },
  jsonl: {
    title: "JSON lines",
    columns: null,
    isLog: false,
    isUtf8: true,
    reader: () => new LineReader({ parse: parseJsonLine }),
    builtIn: null,
  },
  common: webLog("web log, common format", parseAccessLine),
  combined: webLog("web log, combined format", parseAccessLine),
  nginx: webLog("web log, JSON of nginx", parseAccessJson(readNginx)),
  caddy: webLog("web log, JSON of Caddy", parseAccessJson(readCaddy)),
  traefik: webLog("web log, JSON of Traefik", parseAccessJson(readTraefik)),
  ga4: eventExport("export of Google Analytics 4 or Firebase (BigQuery)", readGa4),
  mixpanel: eventExport("raw export of Mixpanel", readMixpanel),
} as const satisfies Record<string, Format>;

export type FormatName = keyof typeof formats;

export const formatNames = Object.keys(formats) as readonly FormatName[];

export function isFormatName(name: string): name is FormatName {
  return Object.hasOwn(formats, name);
}

function webLog(title: string, parse: (line: string) => ParsedLine): Format {
  return {
    title,
    columns: accessColumns,
    isLog: true,
    isUtf8: false,
    reader: () => new LineReader({ parse, isGrowing: true, saysLine: true }),
    builtIn: (values, { visitorKey }) => pageView(values, visitorKey()),
  };
}

function eventExport(title: string, builtIn: BuiltIn): Format {
  return {
    title,
    columns: null,
    isLog: false,
    isUtf8: true,
    reader: () => new LineReader({ parse: parseJsonLine, saysLine: true }),
    builtIn,
  };
}
