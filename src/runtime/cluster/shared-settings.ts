/** What the nodes of a cluster hold each other to: settings that are equal on all of them. Pure. */
import { isObject, parseObject } from "../json.ts";

/** Texts by the name of the setting. */
type Texts = Readonly<Record<string, string>>;

/** The settings of one node that must be equal on all nodes. */
export type SharedSettings = {
  /** Those that may be shown, as messages show them. */
  readonly values: Texts;
  /**
   * Digests of those that only a digest may show, such as secrets. The same setting and salt give the same digest, and
   * a digest does not show the setting.
   */
  readonly digests: (salt: string) => Promise<Texts>;
  /** Revision of the stored settings that the operator allows this node to replace while other nodes run. */
  readonly replaces?: number | undefined;
};

/** The settings of a node, with the digests for one salt. */
export type SettingsSet = { readonly values: Texts; readonly digests: Texts };

/** The value of the entry. Stored: its field names are a format. */
export type StoredSettings = SettingsSet & {
  /** Of all digests, also of `former`. */
  readonly salt: string;
  /** The node that has set them, and when (RFC 3339). */
  readonly node: string;
  readonly at: string;
  /** Those before a change that was made while nodes ran: nodes that still run with them go on. */
  readonly former?: SettingsSet;
};

/** Reads the entry; undefined when it is none, or damaged: then it is written anew. */
export function readSettings(text: string): StoredSettings | undefined {
  const stored = parseObject(text);
  const { salt, node, at, former } = stored ?? {};
  if (!isSet(stored) || ![salt, node, at].every((one) => typeof one === "string")) return undefined;
  const { values, digests } = stored;
  const known = { values, digests, salt: salt as string, node: node as string, at: at as string };
  return isSet(former) ? { ...known, former } : known;
}

const isSet = (value: unknown): value is SettingsSet =>
  isObject(value) && isTextsByName(value["values"]) && isTextsByName(value["digests"]);

const isTextsByName = (value: unknown): value is Texts =>
  isObject(value) && Object.values(value).every((text) => typeof text === "string");

/**
 * One line for each setting that differs, with both sides unless it is secret. A setting that only one side knows is of
 * another version of the program, and is not compared.
 */
export function differences(own: SettingsSet, cluster: SettingsSet): string[] {
  const shown = differing(own.values, cluster.values).map(
    (name) => `${name} is ${show(own.values[name])} here, ${show(cluster.values[name])} in the cluster`,
  );
  const secret = differing(own.digests, cluster.digests)
    .filter((name) => own.values[name] === cluster.values[name])
    .map((name) => `${name} is another one here than in the cluster (its value is secret)`);
  return [...shown, ...secret];
}

/** Whether the node knows settings that the entry has not: the entry gets them. */
export const hasMore = (own: SettingsSet, cluster: SettingsSet): boolean =>
  Object.keys(own.values).some((name) => !Object.hasOwn(cluster.values, name)) ||
  Object.keys(own.digests).some((name) => !Object.hasOwn(cluster.digests, name));

function differing(own: Texts, cluster: Texts): string[] {
  return Object.keys(own).filter((name) => Object.hasOwn(cluster, name) && own[name] !== cluster[name]);
}

const show = (text: string | undefined): string => (text === "" ? '""' : String(text));
