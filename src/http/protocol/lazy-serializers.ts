/**
 * Compiles the serializer of an answer when the first such answer is sent: compiling all of them at the start took most
 * of a second of processor time in each process, for hundreds of answers of which a process sends few.
 * Owns: the serializers of one app.  Does not own: what they do, which is the framework's.
 * Proved by: test/integration/http/serializers.test.ts
 */
import SerializerSelector from "@fastify/fast-json-stringify-compiler";

/** See the top of the file. */
export class LazySerializers {
  private readonly compiles: (() => unknown)[] = [];

  /** For the framework: `schemaController.compilersFactory.buildSerializer`. */
  readonly build: SerializerSelector.SerializerFactory = (components, options) => {
    let compiler: SerializerSelector.SerializerCompiler | undefined;
    return (answer) => {
      let serializer: SerializerSelector.Serializer | undefined;
      const compiled = (): SerializerSelector.Serializer => {
        compiler ??= SerializerSelector()(components, options);
        serializer ??= compiler(answer);
        return serializer;
      };
      this.compiles.push(compiled);
      return (document) => compiled()(document);
    };
  };

  /** Compiles every serializer now; tests find a broken schema with it. @throws when a schema is broken */
  compileAll(): number {
    for (const compile of this.compiles) compile();
    return this.compiles.length;
  }
}
