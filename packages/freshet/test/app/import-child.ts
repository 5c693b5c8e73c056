/** Imports a file and is killed by its own hand once `rows` are in: `node import-child.ts <data> <file> <rows>`. */
import { importFile } from "../../src/app/import/import.ts";
import { findMapping } from "../../src/app/import/open.ts";
import { openFolderTarget } from "../../src/app/import/target.ts";
import { loadPlan } from "../../src/app/load.ts";
import { historyPlanFile } from "./import-fixture.ts";

const [data = "", file = "", rows = "0"] = process.argv.slice(2);
const plan = await loadPlan(historyPlanFile, data);
await importFile({
  file,
  mapping: findMapping(plan.plan.definition, "online-retail"),
  data,
  target: () => openFolderTarget(data, plan),
  onProgress: (moment) => {
    if (moment.rows >= Number(rows)) process.kill(process.pid, "SIGKILL");
  },
});
