/** Process: adds the sample catalogue to a running cluster, and ends. Safe to repeat: known SKUs stay as they are. */
import { authorization, loadCatalogueSettings } from "../config/catalogue-settings.ts";
import { loadCatalogue, sampleCatalogue } from "./local/catalogue.ts";
import { reasonOf } from "./local/max-wait.ts";

try {
  const { apiKey, nodeUrl } = loadCatalogueSettings();
  const items = sampleCatalogue();
  const added = await loadCatalogue(nodeUrl, items, new AbortController().signal, authorization(apiKey));
  process.stdout.write(`sample catalogue: ${added} of ${items.length} items added\n`);
} catch (error) {
  process.stderr.write(`orderly catalogue: ${reasonOf(error)}\n`);
  process.exitCode = 1;
}
