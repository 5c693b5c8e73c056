// Prints "<passed> <failed> <skipped>" of a vitest JSON report, and adds each failure with its beginning to a file. A
// file of tests that could not be loaded is a failure.
import { appendFileSync, readFileSync } from "node:fs";
import { relative } from "node:path";

const [reportFile, failuresFile] = process.argv.slice(2);
/** Characters of a failure's message: enough for the difference, not for a whole state. What replays it stays. */
const messageMax = 4000;

const report = JSON.parse(readFileSync(reportFile, "utf8"));
let brokenFiles = 0;
for (const { name, status, message, assertionResults } of report.testResults) {
  const failures = assertionResults.filter((test) => test.status === "failed");
  for (const { fullName, failureMessages } of failures) {
    note(`${relative(process.cwd(), name)}: ${fullName}`, failureMessages.join("\n"));
  }
  if (status !== "failed" || failures.length > 0) continue;
  brokenFiles++;
  note(relative(process.cwd(), name), message);
}
const skipped = report.numPendingTests + report.numTodoTests;
console.log(report.numPassedTests, report.numFailedTests + brokenFiles, skipped);

function note(name, message) {
  const rest = message.slice(messageMax).split("\n");
  const replay = rest.filter((line) => line.includes("FRESHET_SEED"));
  const lines = [`FAILED: ${name}`, message.slice(0, messageMax), ...replay];
  appendFileSync(failuresFile, `${lines.join("\n")}\n`);
}
