import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** What the schema registry inside holds; absent where there is none, or it cannot be read. */
export interface RegistryReading {
  readonly subjects: number;
  readonly versions: number;
  readonly schemas: number;
  readonly schemaChars: number;
}

export interface RegistryRequestMeasure {
  /** The route's pattern and its method. */
  readonly route: string;
  /** "ok", or the number of the API's error: one of a few dozen. */
  readonly outcome: string;
}

/** A schema that was understood, or compared with others. */
export interface SchemaJobMeasure {
  readonly kind: "write" | "format" | "compare";
  readonly outcome: "done" | "refused" | "tooLong" | "failed";
  readonly seconds: number;
}

/** How the contracts of the plan in force stand. */
export interface ContractStanding {
  readonly registered: number;
  readonly refused: number;
  readonly waiting: number;
}

export interface RegistryMetrics {
  request(measure: RegistryRequestMeasure): void;
  job(measure: SchemaJobMeasure): void;
  contracts(standing: ContractStanding): void;
  read(reading: RegistryReading | undefined): void;
}

/** From a small schema to the limit of a check. */
const jobBuckets = [0.0005, 0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5] as const;

export function createRegistryMetrics(registry: Registry): RegistryMetrics {
  const registers = [registry];
  const requests = new Counter({
    name: "freshet_registry_requests_total",
    help: "Requests to the schema registry by route and outcome: ok, or the error's number",
    labelNames: ["route", "outcome"],
    registers,
  });
  const jobs = new Histogram({
    name: "freshet_registry_check_seconds",
    help: "Understanding a schema (write, format) and comparing it with others (compare)",
    labelNames: ["kind", "outcome"],
    buckets: [...jobBuckets],
    registers,
  });
  const contracts = new Gauge({
    name: "freshet_registry_contracts",
    help: "Contracts of the plan by how the registry took them: registered, refused, waiting for its answer",
    labelNames: ["outcome"],
    registers,
  });
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const subjects = gauge("freshet_registry_subjects", "Subjects, deleted ones among them");
  const versions = gauge("freshet_registry_versions", "Versions of all subjects, likewise");
  const schemas = gauge("freshet_registry_schemas", "Schemas, each with an id of its own");
  const chars = gauge("freshet_registry_schema_chars", "Length of all schemas, which is limited");
  return {
    request: ({ route, outcome }) => requests.inc({ route, outcome }),
    job: ({ kind, outcome, seconds }) => jobs.observe({ kind, outcome }, seconds),
    contracts(standing) {
      for (const outcome of ["registered", "refused", "waiting"] as const)
        contracts.set({ outcome }, standing[outcome]);
    },
    read(reading) {
      subjects.set(reading?.subjects ?? 0);
      versions.set(reading?.versions ?? 0);
      schemas.set(reading?.schemas ?? 0);
      chars.set(reading?.schemaChars ?? 0);
    },
  };
}
