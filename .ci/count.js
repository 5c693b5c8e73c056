// Prints "<passed> <failed> <skipped>" of a vitest JSON report. A file of tests that could not be loaded is a failure.
import { readFileSync } from "node:fs";

const report = JSON.parse(readFileSync(process.argv[2], "utf8"));
const passed = report.numPassedTests;
const skipped = report.numPendingTests + report.numTodoTests;
const brokenFiles = report.testResults.filter(
  ({ status, assertionResults }) =>
    status === "failed" && !assertionResults.some((test) => test.status === "failed"),
).length;
console.log(passed, report.numFailedTests + brokenFiles, skipped);
