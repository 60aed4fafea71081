/** Settings of the programs that load stock: where an order node is. */
import { Type } from "typebox";
import { type Environment, from, optionalFrom, readSettings } from "./settings-reader.ts";
import * as schemas from "./settings-schemas.ts";

/** Every variable that they read. */
export const catalogueFields = {
  nodeUrl: from("ORDERLY_NODE_URL", Type.String({ ...schemas.httpUrl, default: "http://127.0.0.1:3000" })),
  apiKey: optionalFrom("ORDERLY_API_KEY", Type.String({ minLength: 1, maxLength: 200, pattern: "^[!-~]+$" })),
};

/** Settings of the programs that load the catalogue. */
export type CatalogueSettings = {
  /** Any order node, no slash at the end. */
  readonly nodeUrl: string;
  /** Shown to a node that has ORDERLY_AUTH=keys. */
  readonly apiKey: string | undefined;
};

/** Reads the settings of the catalogue's loader. @throws SettingsInvalid with all faults */
export function loadCatalogueSettings(env: Environment = process.env): CatalogueSettings {
  return readSettings(catalogueFields, env);
}

/** The header that shows the key. */
export const authorization = (apiKey: string | undefined): Readonly<Record<string, string>> =>
  apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
