import type { FastifyRequest } from "fastify";
import { testCompatibility, type VersionName, versionName } from "../../../core/registry/index.ts";
import type { EmbeddedRegistry } from "../../../engine/registry/embedded.ts";
import { type RegistryEndpoint, registryRoute } from "../../registry/answer.ts";
import { flagIn, subjectIn } from "../../registry/request.ts";
import { schemaRequestIn } from "../../registry/schema-request.ts";
import { pathText, type RouteFamily } from "../route.ts";

export const registryCompatibilityRoutes: RouteFamily = (server) =>
  endpoints.map((endpoint) => registryRoute(server, endpoint));

const endpoints: readonly RegistryEndpoint[] = [
  {
    method: "POST",
    path: "/compatibility/subjects/:subject/versions",
    access: "secret",
    answer: async (request, registry) => test(request, registry, undefined),
  },
  {
    method: "POST",
    path: "/compatibility/subjects/:subject/versions/:version",
    access: "secret",
    answer: async (request, registry) =>
      test(request, registry, versionName(pathText(request, "version"))),
  },
];

async function test(
  request: FastifyRequest,
  { state, work }: EmbeddedRegistry,
  version: VersionName | undefined,
) {
  const messages = await testCompatibility(state, work, subjectIn(request), {
    request: schemaRequestIn(request),
    ...(version === undefined ? {} : { version }),
  });
  const answer = { is_compatible: messages.length === 0 };
  return flagIn(request, "verbose") ? { ...answer, messages } : answer;
}
