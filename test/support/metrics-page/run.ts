/** Process: `npm run metrics-page`. Writes docs/metrics.md from the definitions of the metrics and the alert rules. */
import { writeFileSync } from "node:fs";
import { metricsPage, PAGE } from "./page.ts";

writeFileSync(PAGE, metricsPage());
