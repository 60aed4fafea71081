import type { Mutant } from "./mutant.ts";

const identity = {
  file: "src/runtime/cluster/identity.ts",
  tests: ["test/unit/runtime/cluster/identity.test.ts"],
};
const agreement = {
  file: "src/runtime/cluster/settings-agreement.ts",
  tests: ["test/unit/runtime/cluster/settings-agreement.test.ts"],
};
const shared = { file: "nodes/order/shared-settings.ts", tests: ["test/unit/nodes/shared-settings.test.ts"] };
const observation = {
  file: "src/runtime/cluster/holder-observation.ts",
  tests: ["test/unit/runtime/cluster/holder-observation.test.ts"],
};

const program = { file: "nodes/order/program.ts", tests: ["test/unit/nodes/program.test.ts"] };

/** What a node says of its program, and who has its id. */
export const fleetMutants: readonly Mutant[] = [
  {
    id: "fleet-program-setting-before-checkout",
    does: "The setting hides the commit that is checked out.",
    ...program,
    find: "[checkedOut(folder), setting, gitHead].find(isShowable)",
    replace: "[setting, checkedOut(folder), gitHead].find(isShowable)",
  },
  {
    id: "fleet-program-any-text-is-a-label",
    does: "A text that ends a label of a metric is taken as a commit.",
    ...program,
    find: `typeof text === "string" && SHOWABLE.test(text);`,
    replace: `typeof text === "string" && text !== "" && SHOWABLE.test("x");`,
  },
  {
    id: "fleet-program-packed-before-newer",
    does: "A packed reference hides the newer one in its own file.",
    ...program,
    find: "return textOf(join(git, name)) ?? textOf(join(shared, name)) ?? packed(shared, name);",
    replace: "return packed(shared, name) ?? textOf(join(git, name)) ?? textOf(join(shared, name));",
  },
  {
    id: "fleet-program-worktree-without-its-branches",
    does: "The branches of a further worktree are looked for in the worktree alone.",
    ...program,
    find: `const shared = resolve(git, textOf(join(git, "commondir")) ?? ".");`,
    replace: "const shared = resolve(git);",
  },
  {
    id: "fleet-identity-heartbeat-overwrites",
    does: "A heartbeat is written whatever the entry has become.",
    ...identity,
    find: "else this.lose(held.entry);",
    replace: "else this.keep(held.revision);",
  },
  {
    id: "fleet-identity-claim-overwrites",
    does: "A claim that met another one is written over it.",
    ...identity,
    find: "for (let from = this.vacancy; ; from = await this.findVacancy(false)) {",
    replace:
      "for (let from = this.vacancy; ; from = { revision: (await this.read())?.revision ?? 0, own: false }) {",
  },
  {
    id: "fleet-identity-deletes-any-entry",
    does: "A process that ends deletes the entry of its next one.",
    ...identity,
    find: `if (this.revision === 0 || this.taken) return;
    await this.options.nodes.delete(this.options.node, this.revision);`,
    replace: "await this.options.nodes.delete(this.options.node);",
  },
  {
    id: "fleet-identity-late-delivery-ends-a-process",
    does: "An entry of the process before, delivered late, ends its next one.",
    ...identity,
    find: "revision <= this.highest;",
    replace: "revision <= this.revision;",
  },
  {
    id: "fleet-identity-own-claim-is-foreign",
    does: "A claim whose answer was lost is taken for that of another process.",
    ...identity,
    find: "if (held?.entry?.boot === boot) return { revision: held.revision, own: true };",
    replace: "if (held?.entry?.boot === `${boot}.`) return { revision: held.revision, own: true };",
  },
  {
    id: "fleet-observation-first-silence-is-the-end",
    does: "A process that is connecting again counts as ended.",
    ...observation,
    find: `answer === "no_responders" && isRepeated && now - this.answerSince >= confirmMs`,
    replace: `answer === "no_responders" && now - this.answerSince >= confirmMs - confirmMs`,
  },
  {
    id: "fleet-observation-silence-outlives-a-renewal",
    does: "A renewal of the entry does not begin the time anew.",
    ...observation,
    find: "if (answer !== this.answer || isRenewed) {",
    replace: "if (answer !== this.answer) {",
  },
  {
    id: "fleet-observation-one-renewal-is-life",
    does: "A heartbeat in flight keeps the next process of a killed one from starting.",
    ...observation,
    find: "const RENEWALS_OF_THE_LIVING = 2;",
    replace: "const RENEWALS_OF_THE_LIVING = 1;",
  },
  {
    id: "fleet-observation-leaving-is-life",
    does: "A process that leaves is not waited for.",
    ...observation,
    find: "if (isLeaving) return undefined;",
    replace: `if (isLeaving && answer !== "answered") return undefined;`,
  },
  {
    id: "fleet-settings-anyone-replaces",
    does: "A node with other settings replaces those of the cluster while others run.",
    ...agreement,
    find: "if (present.length > 0 && !isNamed)",
    replace: "if (present.length > 0 && !isNamed && entry.revision === 0)",
  },
  {
    id: "fleet-settings-no-change-while-nodes-run",
    does: "The number of the operator is not compared.",
    ...agreement,
    find: "const isNamed = shared.replaces === entry.revision;",
    replace: "const isNamed = shared.replaces !== undefined;",
  },
  {
    id: "fleet-settings-former-ones-differ",
    does: "Nodes with the former settings are not ready during a change.",
    ...agreement,
    find: "if (stored.former && differences(own, stored.former).length === 0)",
    replace: "if (stored.former && differences(own, stored.former).length < 0)",
  },
  {
    id: "fleet-settings-outdated-node-starts",
    does: "A node that met another one with other settings at its start takes part.",
    ...agreement,
    find: `if (this.current.status === "different")`,
    replace: `if (this.current.detail === "")`,
  },
  {
    id: "fleet-settings-secret-in-clear",
    does: "Equal secrets of two settings have one digest.",
    ...shared,
    find: "`${name} ${salt}`",
    replace: "salt",
  },
  {
    id: "fleet-settings-password-not-compared",
    does: "The password in an address is not compared.",
    ...shared,
    find: "filter(([, url]) => hideCredentials(url) !== url)",
    replace: "filter(([, url]) => hideCredentials(url) === `${url}?`)",
  },
];
