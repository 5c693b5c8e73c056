import type { SchemasOfLog } from "../../adapters/log/formatted-log.ts";
import { schemaText } from "../../adapters/log/payload/schema-text.ts";
import type { Finding } from "../doctor.ts";

/** The schemas that records name; that each record finds its own is seen where the records are read. */
export function schemaFindings(log: SchemasOfLog): Finding[] {
  try {
    const schemas = log.schemas();
    if (schemas.length === 0) return [];
    const named = schemas.map(({ id, format }) => `${id} (${format})`).join(", ");
    const other = schemas.filter(({ format, layout, text }) => schemaText(format, layout) !== text);
    const findings: Finding[] = [{ level: "fine", what: `log: schemas ${named}` }];
    if (other.length > 0)
      findings.push({
        level: "note",
        what: `log: the texts of schemas ${other.map(({ id }) => id).join(", ")} are of another version`,
        advice: "nothing to do: records are read without them",
      });
    return findings;
  } catch (error) {
    const { message, hint } = error as Error & { readonly hint?: string };
    return [
      {
        level: "wrong",
        what: `log: ${message}`,
        advice: hint ?? "restore the folder from a backup",
      },
    ];
  }
}
