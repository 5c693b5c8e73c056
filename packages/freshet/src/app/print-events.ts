import { describe } from "../core/expression/explain.ts";
import { versionsOf } from "../core/plan/contract.ts";
import type { EventDefinition, SchemaDefinition, UpCastStep } from "../core/plan/definition.ts";

/** An event in words: its properties, language and version, and a line for each version that is up-cast. */
export function eventLines(event: EventDefinition): string[] {
  const { name, properties, schema, version = 1, earlier = [] } = event;
  const names = Object.keys(properties);
  const shape = names.length === 0 && schema !== undefined ? "" : ` { ${names.join(", ")} }`;
  const told = [
    ...(schema === undefined ? [] : [languageText(schema)]),
    ...(version === 1 && earlier.length === 0 ? [] : [`version ${version}`]),
  ];
  const after = told.length === 0 ? "" : `: ${told.join(", ")}`;
  const next = versionsOf(event).slice(1);
  return [
    `${name}${shape}${after}`,
    ...earlier.map(
      (one, at) =>
        `  ${one.version} -> ${next[at]?.version ?? version}: ${one.upCast.map(stepText).join(", ") || "as it is"}`,
    ),
  ];
}

export function languageText({ language, message }: SchemaDefinition): string {
  switch (language) {
    case "JSON":
      return "JSON Schema";
    case "AVRO":
      return "Avro";
    case "PROTOBUF":
      return message === undefined ? "Protobuf" : `Protobuf ${message}`;
  }
}

function stepText(step: UpCastStep): string {
  switch (step.op) {
    case "rename":
      return `${step.from} becomes ${step.to}`;
    case "default":
      return `${step.property} is ${JSON.stringify(step.value)} where it is missing`;
    case "drop":
      return `without ${step.property}`;
    case "compute":
      return `${step.property} = ${describe(step.value)}`;
    case "run":
      return `${step.function}()`;
  }
}
