import { type RegistryEndpoint, registryRoute } from "../../registry/answer.ts";
import type { RouteFamily } from "../route.ts";

/** What clients ask for and this registry has one of, or none. */
export const registryContextRoutes: RouteFamily = (server) =>
  endpoints.map((endpoint) => registryRoute(server, endpoint));

const endpoints: readonly RegistryEndpoint[] = [
  { method: "GET", path: "/contexts", access: "secret", answer: async () => ["."] },
  {
    // Serializers ask whether a topic was tied to a subject, before they take the topic's own name.
    method: "GET",
    path: "/associations/resources/:namespace/:name",
    access: "schemas",
    answer: async () => [],
  },
  {
    // Command line tools and consoles ask which cluster they talk to.
    method: "GET",
    path: "/v1/metadata/id",
    access: "schemas",
    answer: async () => ({
      scope: { path: [], clusters: { "schema-registry-cluster": "freshet" } },
      id: "",
    }),
  },
];
