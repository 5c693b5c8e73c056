import type { JsonObject } from "@freshet/protocol";
import type { FastifyRequest } from "fastify";
import {
  type CompatibilityLevel,
  compatibilityLevels,
  configInForce,
  globalScope,
  RegistryError,
  type SubjectConfig,
} from "../../../core/registry/index.ts";
import type { EmbeddedRegistry } from "../../../engine/registry/embedded.ts";
import { type RegistryEndpoint, registryRoute } from "../../registry/answer.ts";
import { flagField, flagIn, objectIn, subjectIn, textField } from "../../registry/request.ts";
import { configView } from "../../registry/view.ts";
import type { RouteFamily } from "../route.ts";

export const registryConfigRoutes: RouteFamily = (server) =>
  endpoints.map((endpoint) => registryRoute(server, endpoint));

const all = () => globalScope;

const endpoints: readonly RegistryEndpoint[] = [
  ...endpointsOf("/config", all),
  ...endpointsOf("/config/:subject", subjectIn),
];

function endpointsOf(
  path: string,
  scopeOf: (request: FastifyRequest) => string,
): readonly RegistryEndpoint[] {
  return [
    {
      method: "GET",
      path,
      access: "secret",
      answer: async (request, registry) => read(request, registry, scopeOf(request)),
    },
    {
      method: "PUT",
      path,
      access: "secret",
      answer: (request, registry) => write(request, registry, scopeOf(request)),
    },
    {
      method: "DELETE",
      path,
      access: "secret",
      answer: async (request, registry) =>
        configView(await registry.execute({ kind: "deleteConfig", subject: scopeOf(request) })),
    },
  ];
}

function read(request: FastifyRequest, { state }: EmbeddedRegistry, subject: string) {
  if (subject === globalScope || flagIn(request, "defaultToGlobal"))
    return configView(configInForce(state, subject));
  const own = state.configs.get(subject);
  if (own !== undefined) return configView(own);
  throw new RegistryError(
    "compatibilityNotConfigured",
    `Subject '${subject}' does not have subject-level compatibility configured`,
  );
}

const fields = ["compatibility", "compatibilityLevel", "normalize", "compatibilityGroup"];

/** Answers with what was asked for, in the words of the request. */
async function write(
  request: FastifyRequest,
  registry: EmbeddedRegistry,
  subject: string,
): Promise<JsonObject> {
  const body = objectIn(request, fields);
  const level = textField(body, "compatibility") ?? textField(body, "compatibilityLevel");
  const normalize = flagField(body, "normalize");
  const compatibilityGroup = textField(body, "compatibilityGroup");
  const config: SubjectConfig = {
    ...(level === undefined ? {} : { compatibilityLevel: levelOf(level) }),
    ...(normalize === undefined ? {} : { normalize }),
    ...(compatibilityGroup === undefined ? {} : { compatibilityGroup }),
  };
  if (Object.keys(config).length === 0) throw invalidLevel();
  await registry.execute({ kind: "setConfig", subject, config });
  return body;
}

function levelOf(text: string): CompatibilityLevel {
  const found = compatibilityLevels.find((level) => level === text.toUpperCase());
  if (found === undefined) throw invalidLevel();
  return found;
}

function invalidLevel(): RegistryError {
  return new RegistryError(
    "compatibilityInvalid",
    "Invalid compatibility level. Valid values are none, backward, forward, full, " +
      "backward_transitive, forward_transitive, and full_transitive",
  );
}
