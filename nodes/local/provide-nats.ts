/** Provides NATS for the order nodes: the one that the settings name, or servers of the cluster's own. */
import { existsSync } from "node:fs";
import { hideCredentials } from "../../config/redaction.ts";
import type { ClusterSettings } from "../../config/settings.ts";
import { type Child, notReady } from "./child.ts";
import { locateNatsServer } from "./nats-binary.ts";
import { foreignNatsHome, natsPlaceOf, natsPortsOf, planNats } from "./nats-plan.ts";
import type { NatsPlace, ProcessPlan } from "./plan.ts";
import { jetStreamAnswers, natsGreets } from "./readiness.ts";
import { writeSettingsFile } from "./settings-file.ts";

/** NATS, ready to use. */
export type ProvidedNats = NatsPlace & {
  /** For people. */
  readonly description: string;
  /** One per server that was started; none when NATS already ran. */
  readonly keepers: readonly Child[];
};

/** What to provide. `timeoutMs` bounds each wait for a server. */
export type ProvideOptions = {
  readonly settings: ClusterSettings;
  readonly signal: AbortSignal;
  readonly report: (line: string) => void;
  readonly timeoutMs: number;
  readonly launch: (plan: ProcessPlan) => Promise<Child>;
};

/** Resolves when JetStream can be used. @throws Error for people: the reason, and the log with the details */
export async function provideNats(options: ProvideOptions): Promise<ProvidedNats> {
  const { settings, signal, report, timeoutMs } = options;
  if (settings.natsUrl !== undefined) {
    const description = `${hideCredentials(settings.natsUrl)} (NATS_URL)`;
    return { url: settings.natsUrl, description, keepers: [] };
  }
  refuseForeignData(settings);
  const binary = await locateNatsServer({ report });
  signal.throwIfAborted();
  report(`nats-server ${binary.version}, from ${binary.source}: ${binary.path}`);
  const ports = natsPortsOf(settings).clients;
  const keepers = await Promise.all(
    planNats(binary.path, settings).map(async (plan, index) => {
      if (ports.length > 1) writeSettingsFile(plan);
      const keeper = await options.launch(plan);
      const stillPossible = () => keeper.running();
      const maxWait = { timeoutMs, signal, stillPossible };
      await natsGreets(ports[index] ?? 0, maxWait).catch(notReady(keeper));
      return keeper;
    }),
  );
  const place = natsPlaceOf(settings);
  if (keepers.length > 1) {
    const stillPossible = () => keepers.every((keeper) => keeper.running());
    await jetStreamAnswers(place.url.split(","), { timeoutMs, signal, stillPossible });
    report(`nats-servers: ${keepers.length} of ${keepers.length} ready, everything is stored on each`);
  }
  const addresses = ports.map((port) => `127.0.0.1:${port}`).join(", ");
  return {
    ...place,
    description: `${addresses}, nats-server ${binary.version} (${binary.source})`,
    keepers,
  };
}

/** Nodes, gateway and mailbox would continue with files that belong to another stream. */
function refuseForeignData(settings: ClusterSettings): void {
  const foreign = foreignNatsHome(settings);
  if (!existsSync(foreign)) return;
  const [those, these] = settings.natsServers === 1 ? ["three", "one"] : ["one", "three"];
  throw new Error(
    `${settings.home} holds the data of ${those} nats-server(s), not of ${these}; set ORDERLY_HOME to another folder, or delete it to start afresh`,
  );
}
