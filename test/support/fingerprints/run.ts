/**
 * Process: `npm run fingerprints`. Adds the fingerprint of every version that has none to machines/fingerprints.json.
 * With `--replace NAME` it writes the fingerprint of that machine's (or of the definition's) version anew: right only
 * while no program with this version has run anywhere but on the machines of its authors.
 */
import { OrderWorld } from "../../unit/services/orders/order-world.ts";
import { currentParts, differences, readCommitted, withPart, writeCommitted } from "./committed.ts";

const [option, name, ...more] = process.argv.slice(2);
const replaces = option === "--replace" && name !== undefined && more.length === 0;
if (option !== undefined && !replaces) {
  process.stderr.write("usage: npm run fingerprints [-- --replace NAME]\n");
  process.exitCode = 2;
} else {
  process.exitCode = bringUp(replaces ? name : undefined);
}

function bringUp(replaced: string | undefined): number {
  let committed = readCommitted();
  let code = 0;
  const parts = currentParts(new OrderWorld().definition);
  if (replaced !== undefined && !parts.some((part) => part.name === replaced)) {
    process.stderr.write(`there is no "${replaced}"; names: ${parts.map((part) => part.name).join(", ")}\n`);
    return 2;
  }
  for (const part of parts) {
    const found = differences(committed, part);
    const says = (text: string): void =>
      void process.stdout.write(`${part.name} version ${part.version}: ${text}\n`);
    if (found?.length === 0) says("as committed");
    else if (!found) says("added");
    else if (part.name === replaced) says(`replaced; ${found.join("; ")}`);
    else {
      says(`${found.join("; ")}\n  raise the version and write a migration: docs/evolution.md`);
      code = 1;
      continue;
    }
    committed = withPart(committed, part);
  }
  writeCommitted(committed);
  return code;
}
