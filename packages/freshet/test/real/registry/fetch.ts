/** The registry's clients of others. */
import { Fetcher } from "../fetch.ts";

const fetcher = new Fetcher(import.meta.url, "freshet-registry-clients");

/** A folder whose `node_modules` has the clients for Node. */
export const fetchNpmClients = () => fetcher.npm();
/** The Python that has Confluent's client. */
export const fetchPython = () => fetcher.python();
