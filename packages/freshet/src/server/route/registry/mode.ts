import type { FastifyRequest } from "fastify";
import {
  globalScope,
  type Mode,
  modeInForce,
  modes,
  RegistryError,
} from "../../../core/registry/index.ts";
import type { EmbeddedRegistry } from "../../../engine/registry/embedded.ts";
import { type RegistryEndpoint, registryRoute } from "../../registry/answer.ts";
import { flagIn, objectIn, subjectIn, textField } from "../../registry/request.ts";
import type { RouteFamily } from "../route.ts";

export const registryModeRoutes: RouteFamily = (server) =>
  endpoints.map((endpoint) => registryRoute(server, endpoint));

const endpoints: readonly RegistryEndpoint[] = [
  {
    method: "GET",
    path: "/mode",
    access: "secret",
    answer: async (_request, { state }) => ({ mode: modeInForce(state, globalScope) }),
  },
  {
    method: "PUT",
    path: "/mode",
    access: "secret",
    answer: (request, registry) => write(request, registry, globalScope),
  },
  {
    method: "GET",
    path: "/mode/:subject",
    access: "secret",
    answer: async (request, { state }) => {
      const subject = subjectIn(request);
      const mode = flagIn(request, "defaultToGlobal")
        ? modeInForce(state, subject)
        : state.modes.get(subject);
      if (mode !== undefined) return { mode };
      throw new RegistryError(
        "modeNotConfigured",
        `Subject '${subject}' does not have subject-level mode configured`,
      );
    },
  },
  {
    method: "PUT",
    path: "/mode/:subject",
    access: "secret",
    answer: (request, registry) => write(request, registry, subjectIn(request)),
  },
  {
    method: "DELETE",
    path: "/mode/:subject",
    access: "secret",
    answer: async (request, registry) => ({
      mode: await registry.execute({ kind: "deleteMode", subject: subjectIn(request) }),
    }),
  },
];

async function write(request: FastifyRequest, registry: EmbeddedRegistry, subject: string) {
  const body = objectIn(request, ["mode"]);
  const mode = modeOf(textField(body, "mode") ?? "");
  await registry.execute({ kind: "setMode", subject, mode, isForced: flagIn(request, "force") });
  return body;
}

function modeOf(text: string): Mode {
  const found = modes.find((mode) => mode === text.toUpperCase());
  if (found !== undefined) return found;
  throw new RegistryError(
    "modeInvalid",
    "Invalid mode. Valid values are READWRITE, READONLY, READONLY_OVERRIDE, and IMPORT",
  );
}
