import type { Sources } from "../../accept/index.ts";
import type { ImportDefinition, PlanDefinition } from "../../core/plan/definition.ts";
import { nearest } from "../../core/plan/error.ts";
import { LogLockedError } from "../../engine/port/errors.ts";
import type { Settings } from "../config.ts";
import { createSources } from "../edge.ts";
import { markFolder, type OpenFolder } from "../folder.ts";
import { readGeo } from "../geo.ts";
import { keysOf } from "../keys.ts";
import type { LoadedPlan } from "../load.ts";
import { LogFormatter } from "../log/format.ts";
import { openRegistry } from "../registry/open.ts";
import { UsageError } from "../usage-error.ts";
import { openServerTarget } from "./server-target.ts";
import { type ImportTarget, openFolderTarget } from "./target.ts";

/** The plan's import of this name; without a name its only one. */
export function findMapping(plan: PlanDefinition, name: string | undefined): ImportDefinition {
  const names = plan.imports.map((definition) => definition.name);
  if (names.length === 0)
    throw new UsageError(
      "the plan has no import",
      'add one: imports: [importer("orders", { ... })]',
    );
  if (name === undefined && names.length > 1)
    throw new UsageError(
      "the plan has several imports",
      `say which one with --mapping: ${names.join(", ")}`,
    );
  const found = plan.imports.find((definition) => definition.name === (name ?? names[0]));
  if (found !== undefined) return found;
  const near = nearest(name ?? "", names);
  throw new UsageError(
    `the plan has no import "${name}"`,
    near === null ? `it has ${names.join(", ")}` : `did you mean "${near}"?`,
  );
}

export interface TargetOptions {
  readonly settings: Settings;
  readonly plan: LoadedPlan;
  /** A server to send to, even where the data folder is free. */
  readonly url?: string;
  readonly signal?: AbortSignal;
}

/** The data folder where nobody uses it, else the server that does. */
export async function openTarget(options: TargetOptions): Promise<ImportTarget> {
  const { settings, plan, url } = options;
  if (url !== undefined) return serverOf(options, url);
  try {
    const format = (folder: OpenFolder) => useLogFormat(folder, options);
    return await openFolderTarget(settings.data, plan, sourcesOf(settings), format);
  } catch (error) {
    if (!(error instanceof LogLockedError)) throw error;
    return serverOf(
      options,
      `http://${settings.host === "0.0.0.0" ? "127.0.0.1" : settings.host}:${settings.port}`,
    );
  }
}

/** Rows go into the log as a server's events do. */
async function useLogFormat(
  { log, clock }: OpenFolder,
  { settings, plan }: TargetOptions,
): Promise<void> {
  const { data, registry: config, logFormat: format } = settings;
  if (format === "json") return;
  const registry = await openRegistry({ data, config, clock });
  const warn = (message: string) => void process.emitWarning(message);
  const formatter = new LogFormatter({ log, format, registry, warn });
  try {
    await formatter.use(plan.plan.definition);
    await formatter.close();
  } finally {
    await registry.close();
  }
}

/** Rows come without a key; what holds for them are the defaults, as on a server. */
function sourcesOf(settings: Settings): Sources {
  const geo = settings.geo === undefined ? undefined : readGeo(settings.geo.file);
  return createSources({ ...settings, sources: [] }, "import", geo && (() => geo));
}

function serverOf({ settings, signal }: TargetOptions, url: string): ImportTarget {
  if (!URL.canParse(url))
    throw new UsageError(`"${url}" is no address`, "write it as http://127.0.0.1:8080");
  // Progress and keys go into it, so it is a data folder, also where a server elsewhere has the profiles.
  markFolder(settings.data);
  const { secretKey } = keysOf(
    settings.data,
    settings.secretKey === undefined ? {} : { secretKey: settings.secretKey },
  );
  return openServerTarget({ url, secretKey, ...(signal === undefined ? {} : { signal }) });
}
