import type { FastifyRequest } from "fastify";
import {
  findRegistered,
  guidOf,
  type Include,
  isLive,
  latestWithMetadata,
  listSubjects,
  listVersions,
  lookUp,
  pageOf,
  prefixOf,
  RegistryError,
  referrersOf,
  registryLimits,
  versionName,
} from "../../../core/registry/index.ts";
import { JsonText, type RegistryEndpoint, registryRoute } from "../../registry/answer.ts";
import { acceptsUnknown, flagIn, pageIn, subjectIn } from "../../registry/request.ts";
import { schemaRequestIn } from "../../registry/schema-request.ts";
import { registeredView, textIn } from "../../registry/view.ts";
import { pathText, queryText, type RouteFamily } from "../route.ts";

export const registrySubjectRoutes: RouteFamily = (server) =>
  endpoints.map((endpoint) => registryRoute(server, endpoint));

const secret = "secret";

const endpoints: readonly RegistryEndpoint[] = [
  {
    method: "GET",
    path: "/subjects",
    access: secret,
    async answer(request, { state }) {
      const prefix = prefixOf(queryText(request, "subjectPrefix") ?? "");
      const found = listSubjects(state, prefix, includeIn(request));
      return pageOf(found, pageIn(request), registryLimits.subjectsMax);
    },
  },
  {
    method: "POST",
    path: "/subjects/:subject",
    access: secret,
    async answer(request, registry) {
      const { state, work } = registry;
      const asked = { request: schemaRequestIn(request), include: liveOrAll(request) };
      const found = await lookUp(state, work, subjectIn(request), asked);
      return registeredView(registry, found, queryText(request, "format"));
    },
  },
  {
    method: "DELETE",
    path: "/subjects/:subject",
    access: secret,
    answer: (request, registry) =>
      registry.execute({
        kind: "deleteSubject",
        subject: subjectIn(request),
        isPermanent: flagIn(request, "permanent"),
      }),
  },
  {
    method: "GET",
    path: "/subjects/:subject/versions",
    access: secret,
    async answer(request, { state }) {
      const subject = subjectIn(request);
      const found = listVersions(state, subject, includeIn(request));
      const page = pageOf(found, pageIn(request), registryLimits.versionsPerSubjectMax);
      if (!flagIn(request, "deletedAsNegative")) return page;
      return page.map((version) => (isLive(state, { subject, version }) ? version : -version));
    },
  },
  {
    method: "POST",
    path: "/subjects/:subject/versions",
    access: secret,
    async answer(request, registry) {
      const registered = await registry.execute({
        kind: "register",
        subject: subjectIn(request),
        request: schemaRequestIn(request),
      });
      const { id, version, content } = registered;
      // Older clients compare the whole answer; newer ones say that there may be more in it. The text stays out: they
      // would take it for what they sent, which may be a descriptor.
      if (!acceptsUnknown(request)) return { id };
      return { id, version, guid: guidOf(content), schemaType: content.schemaType };
    },
  },
  {
    method: "GET",
    path: "/subjects/:subject/metadata",
    access: secret,
    async answer(request, registry) {
      const asked = { properties: propertiesIn(request), include: liveOrAll(request) };
      const found = latestWithMetadata(registry.state, subjectIn(request), asked);
      return registeredView(registry, found, queryText(request, "format"));
    },
  },
  {
    method: "GET",
    path: "/subjects/:subject/versions/:version",
    access: secret,
    async answer(request, registry) {
      const found = versionIn(request, registry);
      return registeredView(registry, found, queryText(request, "format"));
    },
  },
  {
    method: "DELETE",
    path: "/subjects/:subject/versions/:version",
    access: secret,
    answer: (request, registry) =>
      registry.execute({
        kind: "deleteVersion",
        subject: subjectIn(request),
        version: versionName(pathText(request, "version")),
        isPermanent: flagIn(request, "permanent"),
      }),
  },
  {
    method: "GET",
    path: "/subjects/:subject/versions/:version/schema",
    access: secret,
    async answer(request, registry) {
      const { content } = versionIn(request, registry);
      return new JsonText(await textIn(registry, content, queryText(request, "format")));
    },
  },
  {
    method: "GET",
    path: "/subjects/:subject/versions/:version/referencedby",
    access: secret,
    async answer(request, { state }) {
      const name = versionName(pathText(request, "version"));
      const { subject, version } = findRegistered(state, subjectIn(request), name, "all");
      const include = liveOrAll(request);
      const found = referrersOf(state, { subject, version }, include);
      return pageOf(found, pageIn(request), registryLimits.subjectsMax);
    },
  },
];

function versionIn(
  request: FastifyRequest,
  { state }: Pick<Parameters<RegistryEndpoint["answer"]>[1], "state">,
) {
  const name = versionName(pathText(request, "version"));
  return findRegistered(state, subjectIn(request), name, liveOrAll(request));
}

function liveOrAll(request: FastifyRequest): "live" | "all" {
  return flagIn(request, "deleted") ? "all" : "live";
}

/** Where both are asked for, only what is deleted is meant. */
function includeIn(request: FastifyRequest): Include {
  return flagIn(request, "deletedOnly") ? "deleted" : liveOrAll(request);
}

/** `?key=a&value=1&key=b&value=2`. */
function propertiesIn(request: FastifyRequest): ReadonlyMap<string, string> {
  const query = request.query as Readonly<Record<string, unknown>>;
  const list = (name: string) => [query[name] ?? []].flat().map(String);
  const [keys, values] = [list("key"), list("value")];
  if (keys.length === 0 || keys.length !== values.length)
    throw new RegistryError("requestInvalid", '"key" and "value" come in pairs, one or several');
  return new Map(keys.map((key, index) => [key, values[index] ?? ""]));
}
