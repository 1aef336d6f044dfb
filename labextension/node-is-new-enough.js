// Ends with 0 if this node can run the bundler: the range of "engines" in package.json.
const [major, minor] = process.versions.node.split('.').map(Number);
const fits =
  (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
process.exit(fits ? 0 : 1);
