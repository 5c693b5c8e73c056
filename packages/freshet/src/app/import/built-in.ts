import { type FormatName, formats } from "./format/index.ts";
import type { BuiltOptions } from "./format/type.ts";
import { broken, type Mapping } from "./mapping.ts";

/** The mapping that comes with a format, or null where rows of it mean nothing by themselves. */
export function builtInMapping(format: FormatName, options: BuiltOptions): Mapping | null {
  const { builtIn, isLog } = formats[format];
  if (builtIn === null) return null;
  return {
    name: format,
    identity: JSON.stringify([format, isLog ? null : options.usesSegmentNames]),
    isOfFormat: true,
    source: isLog ? null : `import/${format}`,
    columns: new Set(),
    toHistory(row) {
      if (row.kind === "broken") return { row: row.row, broken: row.message, text: row.text };
      const built = builtIn(row.values, options);
      if (built === null) return null;
      if (typeof built === "string") return broken(row, `${built} (line ${row.line})`);
      const { id, event } = built;
      return { row: row.row, event, ...(id === null ? {} : { id }) };
    },
  };
}
