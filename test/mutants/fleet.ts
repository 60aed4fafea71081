import type { Mutant } from "./mutant.ts";

const program = { file: "nodes/order/program.ts", tests: ["test/unit/nodes/program.test.ts"] };

/** What a node says of its program. */
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
];
