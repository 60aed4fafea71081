/**
 * Rendezvous assignment: which node should own which resource. Every node computes the same answer by itself. Pure.
 * It is rendezvous hashing with a bound on the load. The pairs of a resource and a node are taken by descending score,
 * and a node whose share is full takes no more. Shares differ by one at most. A node that joins or leaves moves little
 * more than its own share.
 */

/** A resource and a node that may own it; `score` never changes and differs from pair to pair. */
type Pair = { readonly resource: string; readonly node: string; readonly score: number };

/**
 * The owner that each resource should have; empty when there are no nodes.
 * @param resources all resources of the cluster, in any order; the same on every node
 * @param nodes ids, in any order, each once
 * @param isIncompatible the node cannot host the resource, and gets it only when no node can
 */
export function assignment(
  resources: readonly string[],
  nodes: readonly string[],
  isIncompatible: (resource: string, node: string) => boolean = () => false,
): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  const loads = new Map<string, number>();
  const pairs = resources
    .flatMap((resource) => {
      const compatible = nodes.filter((node) => !isIncompatible(resource, node));
      // One actor that no node can read must not leave all others of the resource without an owner.
      const candidates = compatible.length > 0 ? compatible : nodes;
      return candidates.map((node): Pair => ({ resource, node, score: mix(`${resource}/${node}`) }));
    })
    .toSorted(byScore);
  const share = Math.floor(resources.length / nodes.length);
  // First the equal share of each node, then the remainder, one more for some, then what only few nodes can host.
  for (const bound of [share, share + 1, resources.length]) {
    for (const { resource, node } of pairs) {
      const load = loads.get(node) ?? 0;
      if (load >= bound || owners.has(resource)) continue;
      owners.set(resource, node);
      loads.set(node, load + 1);
    }
  }
  return owners;
}

/** Highest first; names decide between equals, so that all nodes have the same order. */
function byScore(a: Pair, b: Pair): number {
  if (a.score !== b.score) return b.score - a.score;
  return compare(a.resource, b.resource) || compare(a.node, b.node);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** FNV-1a with a final avalanche (murmur3): short, similar names have to spread evenly. */
function mix(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
