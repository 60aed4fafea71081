/** Who owns what: nodes, the partitions that move between them, and what waits for the workers. */
import { useRef } from "react";
import { Link } from "wouter";
import type { Cluster } from "../api/types.ts";
import { Page } from "../app/page.tsx";
import { formatClock, formatCount, formatDuration } from "../ui/format.ts";
import { CopyButton } from "../ui/id.tsx";
import { Empty, Frame, Panel } from "../ui/panel.tsx";
import { Time } from "../ui/time.tsx";
import { type Followed, sentenceOf } from "./cluster-log.ts";
import { Maintenance } from "./maintenance.tsx";
import { useMoving } from "./moving.ts";
import { useCluster } from "./use-cluster.ts";
import styles from "./cluster.module.css";

const HUES = 8;
/** A clock that is further from the server's is shown as a fault: node timers and logs would mislead. */
const CLOCK_OFFSET_MS = 500;

/** The page. */
export default function ClusterPage() {
  const { followed, query } = useCluster();
  return (
    <Page title="Cluster" actions={<Maintenance />}>
      {query.data && <Figures view={query.data} />}
      <Panel title="Nodes and their partitions" query={query} flush lines={6}>
        {(view) => <Nodes view={view} followed={followed} />}
      </Panel>
      <div className={styles["columns"]}>
        <Log followed={followed} />
        <Panel title="Workers" query={query} flush>
          {({ workers }) => <Workers workers={workers} />}
        </Panel>
      </div>
    </Page>
  );
}

function Figures({ view: { nodes, partitions } }: { readonly view: Cluster }) {
  const orphans = partitions.filter(({ node }) => node === null).length;
  const lag = Math.max(0, ...partitions.map((one) => one.lag));
  const outbox = nodes.reduce((all, { outboxDepth }) => all + outboxDepth, 0);
  const offset = Math.max(0, ...nodes.map(({ clockOffsetMs }) => Math.abs(clockOffsetMs ?? 0)));
  const figures: readonly (readonly [string, string, boolean?])[] = [
    ["Nodes", formatCount(nodes.length)],
    ["Partitions", formatCount(partitions.length)],
    ["Without an owner", formatCount(orphans), orphans > 0],
    ["Greatest epoch", formatCount(Math.max(0, ...partitions.map(({ epoch }) => epoch)))],
    ["In outboxes", formatCount(outbox)],
    ["Greatest lag", formatCount(lag)],
    ["Clock offset", `${offset} ms`, offset > CLOCK_OFFSET_MS],
  ];
  return (
    <dl className={styles["figures"]}>
      {figures.map(([name, value, bad = false]) => (
        <div key={name} className={styles["figure"]} data-bad={bad || undefined}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Nodes({ view, followed }: { readonly view: Cluster; readonly followed: Followed | undefined }) {
  const container = useRef<HTMLUListElement>(null);
  useMoving(container);
  const gone = [...(followed?.gone ?? [])].filter(([id]) => !view.nodes.some((node) => node.id === id));
  const names = [...view.nodes.map(({ id }) => id), ...gone.map(([id]) => id)].toSorted();
  const orphans = view.partitions.filter(({ node }) => node === null);
  const hueOf = (node: string) => String(names.indexOf(node) % HUES);
  return (
    <ul ref={container}>
      {names.map((id) => {
        const node = view.nodes.find((one) => one.id === id);
        const since = followed?.gone.get(id);
        const owned = view.partitions.filter((one) => one.node === id);
        return (
          <li key={id} className={styles["node"]} data-gone={node ? undefined : true}>
            {node ? (
              <About node={node} owned={owned.length} />
            ) : (
              <div className={styles["about"]}>
                <strong>{id}</strong>
                <span>gone {since !== undefined && <Time at={new Date(since).toISOString()} />}</span>
              </div>
            )}
            <Blocks partitions={owned} hue={hueOf(id)} label={`Partitions of ${id}`} />
          </li>
        );
      })}
      {orphans.length > 0 && (
        <li className={styles["node"]} data-gone>
          <div className={styles["about"]}>
            <strong>No owner</strong>
            <span>{orphans.length} partitions wait for one</span>
          </div>
          <Blocks partitions={orphans} hue="none" label="Partitions without an owner" />
        </li>
      )}
    </ul>
  );
}

function About({ node, owned }: { readonly node: Cluster["nodes"][number]; readonly owned: number }) {
  const { clockOffsetMs, definition, id, outboxDepth, pid, startedAt, url, version } = node;
  return (
    <div className={styles["about"]}>
      <strong>
        <a href={`${url}/cluster`}>{id}</a>
      </strong>
      <span>
        <Link href={`/orders?node=${id}`}>{owned} partitions</Link>, outbox {outboxDepth}
      </span>
      <span className="dim">
        started <Time at={startedAt} />
      </span>
      <span className="dim">
        {version !== undefined && `version ${version}`}
        {definition !== undefined && `, definition ${definition}`}
      </span>
      <span className="dim">
        {clockOffsetMs === null
          ? "clock not measured"
          : `clock ${clockOffsetMs >= 0 ? "+" : ""}${clockOffsetMs} ms`}
      </span>
      {pid !== undefined && (
        <span className={styles["drill"]}>
          <code>kill -9 {pid}</code>
          <CopyButton text={`kill -9 ${pid}`} what={`the command that kills ${id}`} />
        </span>
      )}
    </div>
  );
}

function Blocks({
  partitions,
  hue,
  label,
}: {
  readonly partitions: Cluster["partitions"];
  readonly hue: string;
  readonly label: string;
}) {
  return (
    <div className={styles["blocks"]} role="group" aria-label={label}>
      {partitions.map(({ answers, epoch, lag, partition }) => (
        <Link
          key={partition}
          href={`/orders?partition=${partition}`}
          className={styles["block"] ?? ""}
          data-moves={partition}
          data-hue={hue}
          data-silent={answers === false || undefined}
          data-lag={lag > 0 || undefined}
          title={`Partition ${partition}, epoch ${epoch}, lag ${lag}${answers === false ? ", its owner does not answer" : ""}`}
          aria-label={`Partition ${partition}, epoch ${epoch}`}
        >
          {partition}
        </Link>
      ))}
    </div>
  );
}

function Log({ followed }: { readonly followed: Followed | undefined }) {
  return (
    <Frame title="What happened" flush>
      {!followed || followed.log.length === 0 ? (
        <Empty title="Nothing since this page was opened">
          Nodes that come and go, and partitions that change their owner, appear here.
        </Empty>
      ) : (
        <ol className={styles["log"]} aria-live="polite" tabIndex={0} aria-label="What happened">
          {followed.log.map((one, at) => (
            <li key={`${one.at} ${one.kind} ${followed.log.length - at}`}>
              <span className="dim">{formatClock(one.at)}</span>
              <span>{sentenceOf(one)}</span>
            </li>
          ))}
        </ol>
      )}
    </Frame>
  );
}

const shown = (value: number | null) => (value === null ? "not known" : formatCount(value));

function Workers({ workers }: Pick<Cluster, "workers">) {
  if (workers.length === 0) return <Empty title="This node runs no workers" />;
  return (
    <table className={styles["table"]}>
      <thead>
        <tr>
          <th scope="col">Worker</th>
          <th scope="col">Waiting</th>
          <th scope="col">Oldest</th>
          <th scope="col">Dead letters</th>
        </tr>
      </thead>
      <tbody>
        {workers.map(({ deadLetters, oldestMs, pending, worker }) => (
          <tr key={worker}>
            <td>{worker}</td>
            <td>{shown(pending)}</td>
            <td>{oldestMs ? formatDuration(oldestMs) : "–"}</td>
            <td>
              <Link href="/messages/dead-letters">{shown(deadLetters)}</Link>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
