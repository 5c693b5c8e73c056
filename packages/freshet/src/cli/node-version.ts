/** Below this, libraries that log and state rest on were never tried. */
const nodeMajorMin = 22;

/** Ends with a clear message before anything else is loaded, since loading may already fail on an old Node. */
export function requireNode(version: string): void {
  const major = Number.parseInt(version, 10);
  if (major >= nodeMajorMin) return;
  process.stderr.write(
    `freshet needs Node ${nodeMajorMin} or later, and this is ${version}\n` +
      "  hint: run it through npm (npm start, npm run freshet), which brings its own Node\n",
  );
  process.exit(1);
}
