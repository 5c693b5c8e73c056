/** The capture clients of others that are proven against Freshet. */
import { fileURLToPath } from "node:url";
import { Fetcher } from "../fetch.ts";

const fetcher = new Fetcher(import.meta.url, "freshet-clients");

/** A folder whose `node_modules` has the clients for Node and for browsers. */
export const fetchNpmClients = () => fetcher.npm();
/** The Python that has Segment's client. */
export const fetchPythonClient = () => fetcher.python();
/** A class path with Segment's client for Java. */
export const fetchJavaClient = () => fetcher.jars();

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const fetch of [fetchNpmClients, fetchPythonClient, fetchJavaClient]) {
    process.stdout.write(`${fetch()}\n`);
  }
}
