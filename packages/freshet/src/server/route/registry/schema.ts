import type { FastifyReply, FastifyRequest } from "fastify";
import {
  idsByGuid,
  listPlaces,
  listSchemas,
  pageOf,
  prefixOf,
  registryLimits,
  type SchemaContent,
  schemaOf,
  schemaTypeNames,
} from "../../../core/registry/index.ts";
import { JsonText, type RegistryEndpoint, registryRoute } from "../../registry/answer.ts";
import { flagIn, idIn, pageIn } from "../../registry/request.ts";
import { contentView, registeredView, textIn } from "../../registry/view.ts";
import { pathText, queryText, type RouteFamily } from "../route.ts";

export const registrySchemaRoutes: RouteFamily = (server) =>
  endpoints.map((endpoint) => registryRoute(server, endpoint));

/** Answers by what they are of: an id stands for one content for ever, and the content goes with the id. */
const made = new WeakMap<SchemaContent, JsonText>();

const endpoints: readonly RegistryEndpoint[] = [
  {
    method: "GET",
    path: "/schemas",
    access: "secret",
    async answer(request, registry) {
      const found = listSchemas(registry.state, {
        prefix: prefixOf(queryText(request, "subjectPrefix") ?? ""),
        include: flagIn(request, "deleted") ? "all" : "live",
        isLatestOnly: flagIn(request, "latestOnly"),
        page: pageIn(request),
      });
      return Promise.all(found.map((one) => registeredView(registry, one, undefined)));
    },
  },
  {
    method: "GET",
    path: "/schemas/types",
    access: "schemas",
    answer: async () => schemaTypeNames,
  },
  {
    method: "GET",
    path: "/schemas/ids/:id",
    access: "schemas",
    async answer(request, registry, reply) {
      const content = schemaOf(registry.state, idIn(request));
      const format = queryText(request, "format");
      const isPlain = format === undefined && !flagIn(request, "fetchMaxId");
      if (isPlain) return plainAnswer(registry, content, reply);
      const maxId = flagIn(request, "fetchMaxId") ? { maxId: registry.state.nextId - 1 } : {};
      return { ...(await contentView(registry, content, format)), ...maxId };
    },
  },
  {
    method: "GET",
    path: "/schemas/ids/:id/schema",
    access: "schemas",
    async answer(request, registry) {
      const content = schemaOf(registry.state, idIn(request));
      return new JsonText(await textIn(registry, content, queryText(request, "format")));
    },
  },
  {
    method: "GET",
    path: "/schemas/ids/:id/subjects",
    access: "secret",
    async answer(request, { state }) {
      const names = placesIn(request, state).map(({ subject }) => subject);
      return pageOf([...new Set(names)], pageIn(request), registryLimits.subjectsMax);
    },
  },
  {
    method: "GET",
    path: "/schemas/ids/:id/versions",
    access: "secret",
    async answer(request, { state }) {
      const found = placesIn(request, state).map(({ subject, version }) => ({ subject, version }));
      return pageOf(found, pageIn(request), registryLimits.subjectsMax);
    },
  },
  {
    method: "GET",
    path: "/schemas/guids/:guid",
    access: "schemas",
    async answer(request, registry) {
      const [id = 0] = idsByGuid(registry.state, pathText(request, "guid"));
      return contentView(registry, schemaOf(registry.state, id), queryText(request, "format"));
    },
  },
  {
    method: "GET",
    path: "/schemas/guids/:guid/ids",
    access: "schemas",
    async answer(request, { state }) {
      return idsByGuid(state, pathText(request, "guid")).map((id) => ({ context: ".", id }));
    },
  },
];

async function plainAnswer(
  registry: Parameters<RegistryEndpoint["answer"]>[1],
  content: SchemaContent,
  reply: FastifyReply,
): Promise<JsonText> {
  reply.header("cache-control", "private, max-age=86400, immutable");
  const known = made.get(content);
  if (known !== undefined) return known;
  const answer = new JsonText(JSON.stringify(await contentView(registry, content, undefined)));
  made.set(content, answer);
  return answer;
}

function placesIn(request: FastifyRequest, state: Parameters<typeof listPlaces>[0]) {
  const places = listPlaces(state, idIn(request), flagIn(request, "deleted") ? "all" : "live");
  const subject = queryText(request, "subject");
  return subject === undefined
    ? places
    : places.filter((place) => place.subject === prefixOf(subject));
}
