import { openClient } from "../browser/client.ts";
import { start } from "./start.ts";

start(openClient);
