/** What our own schema code is compared with. */
import { Fetcher } from "../fetch.ts";

const fetcher = new Fetcher(import.meta.url, "freshet-schema");

/** A class path with Avro for Java. */
export const fetchAvro = () => fetcher.jars();
/** The program `buf`. */
export const fetchBuf = () => fetcher.npmProgram("buf", "buf-package.json");
