/** Reads from the types of the sources what a machine stores: the fields of its context and of its effects' inputs. */
import { fileURLToPath } from "node:url";
import {
  API,
  type Checker,
  type Program,
  type Symbol as SourceSymbol,
  SymbolFlags,
  type Type,
  TypeFlags,
  type TypeReference,
} from "typescript/unstable/sync";

/** What the types of one machine say; see `MachineFingerprint`. */
export type MachineTypes = {
  readonly context: readonly string[];
  readonly inputs: Readonly<Record<string, readonly string[]>>;
};

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
/** Position of the type arguments of XState's `StateMachine`. */
const [CONTEXT, ACTOR] = [0, 3];
/** Position of the input among those of `ActorLogic`. */
const INPUT = 2;
/** Contexts nest less; a type that contains itself ends here. */
const MOST_DEPTH = 8;

/**
 * Compiles the project and reads the machines of an exported table of `MachineEntry`.
 * @param file that exports it, from the root of the project
 * @param table name of the export
 */
export function machineTypes(file: string, table: string): Record<string, MachineTypes> {
  const api = new API({ cwd: ROOT });
  try {
    const [project] = api.updateSnapshot({ openProjects: [`${ROOT}tsconfig.json`] }).getProjects();
    if (!project) throw new Error("the project could not be compiled");
    return new SourceTypes(project.checker).machines(project.program, `${ROOT}${file}`, table);
  } finally {
    api.close();
  }
}

class SourceTypes {
  private readonly checker: Checker;

  constructor(checker: Checker) {
    this.checker = checker;
  }

  machines(program: Program, file: string, table: string): Record<string, MachineTypes> {
    const { checker } = this;
    const source = program.getSourceFile(file);
    const module = source && checker.getSymbolAtLocation(source);
    const exported = module && checker.getExportsOfModule(module).find(({ name }) => name === table);
    const type = exported && checker.getTypeOfSymbol(exported);
    if (!type) throw new Error(`${file} exports no ${table}`);
    return Object.fromEntries(
      checker.getPropertiesOfType(type).map((entry) => {
        const machine = this.property(this.typeOf(entry), "machine");
        return [entry.name, machine ? this.machine(machine) : { context: [], inputs: {} }];
      }),
    );
  }

  private machine(machine: Type): MachineTypes {
    const parameters = this.checker.getTypeArguments(machine as TypeReference);
    const [context, actors] = [parameters[CONTEXT], parameters[ACTOR]];
    if (!context || !actors) throw new Error("a machine has other type arguments than those of this XState");
    const inputs = this.members(actors).map((actor): [string, readonly string[]] => {
      const src = this.checker.typeToString(this.property(actor, "src") ?? actor).replaceAll('"', "");
      const logic = this.property(actor, "logic");
      const input = logic && this.checker.getTypeArguments(logic as TypeReference)[INPUT];
      return [src, input ? this.fields(input) : []];
    });
    return { context: this.fields(context), inputs: Object.fromEntries(inputs) };
  }

  /** Every field with its kind: `lines[].quantity: number`. Sorted, each once. */
  private fields(type: Type): string[] {
    const found = new Map<string, Set<string>>();
    this.collect(type, "", found, 0);
    return (
      [...found]
        .map(([path, kinds]) => [path, [...kinds].toSorted().join(" | ")] as const)
        // What it is made of says it.
        .filter(([path, kind]) => path !== "" && kind !== "object" && kind !== "list")
        .map(([path, kind]) => `${path}: ${kind}`)
        .toSorted()
    );
  }

  private collect(type: Type, path: string, found: Map<string, Set<string>>, depth: number): void {
    const { checker } = this;
    for (const one of this.members(type)) {
      if ((one.flags & TypeFlags.Undefined) !== 0) continue;
      const element = checker.isArrayType(one)
        ? checker.getTypeArguments(one as TypeReference)[0]
        : undefined;
      const kind = element ? "list" : this.kindOf(one);
      found.set(path, (found.get(path) ?? new Set()).add(kind));
      if (depth >= MOST_DEPTH) continue;
      if (element) this.collect(element, `${path}[]`, found, depth + 1);
      if (kind !== "object") continue;
      for (const field of checker.getPropertiesOfType(one)) {
        const optional = (field.flags & SymbolFlags.Optional) !== 0 ? "?" : "";
        const inside = `${path}${path === "" ? "" : "."}${field.name}${optional}`;
        this.collect(this.typeOf(field), inside, found, depth + 1);
      }
      for (const { valueType } of checker.getIndexInfosOfType(one)) {
        this.collect(valueType, `${path}{}`, found, depth + 1);
      }
    }
  }

  /** Values of a literal type are not kept: one more reason or payment method is no other form. */
  private kindOf({ flags }: Type): string {
    if ((flags & (TypeFlags.StringLike | TypeFlags.TemplateLiteral)) !== 0) return "string";
    if ((flags & TypeFlags.NumberLike) !== 0) return "number";
    if ((flags & TypeFlags.BooleanLike) !== 0) return "boolean";
    if ((flags & TypeFlags.Null) !== 0) return "null";
    if ((flags & (TypeFlags.Object | TypeFlags.Intersection)) !== 0) return "object";
    return "unknown";
  }

  private members(type: Type): readonly Type[] {
    return type.isUnionType() ? type.getTypes() : [type];
  }

  private property(type: Type, name: string): Type | undefined {
    const found = this.checker.getPropertyOfType(type, name);
    return found && this.typeOf(found);
  }

  private typeOf(symbol: SourceSymbol): Type {
    const type = this.checker.getTypeOfSymbol(symbol);
    if (!type) throw new Error("a field has no type");
    return type;
  }
}
