/** The owner that each resource should have: the equal shares, and what operators have moved. */
import { assignment } from "./assignment.ts";

/** What decides. */
export type TargetsBasis = {
  /** Nodes that take part, sorted. */
  readonly present: readonly string[];
  /** By node, the resources that it cannot host. */
  readonly incompatible: ReadonlyMap<string, readonly string[]>;
  /** By resource, the node that an operator has moved it to. */
  readonly moves: ReadonlyMap<string, string>;
};

/** Computes the targets again only when what decides has changed. */
export class Targets {
  private readonly resources: readonly string[];
  private targets: ReadonlyMap<string, string> = new Map();
  private basis = "";

  /** @param resources names of all that the cluster has */
  constructor(resources: readonly string[]) {
    this.resources = resources;
  }

  /**
   * The owner of each resource; empty when there are no nodes. A move counts while its node is present and can host the
   * resource. The shares of the others stay as they are: a move moves one resource.
   */
  of({ incompatible, moves, present }: TargetsBasis): ReadonlyMap<string, string> {
    const basis = JSON.stringify([present, ...incompatible, ...moves]);
    if (basis === this.basis) return this.targets;
    const cannot = (resource: string, node: string): boolean =>
      incompatible.get(node)?.includes(resource) ?? false;
    const targets = new Map(assignment(this.resources, present, cannot));
    for (const [resource, node] of moves)
      if (targets.has(resource) && present.includes(node) && !cannot(resource, node))
        targets.set(resource, node);
    this.targets = targets;
    this.basis = basis;
    return targets;
  }
}
