/** Settings of the programs that load stock: where an order node is. */
import { Type } from "typebox";
import { type Environment, from, readSettings } from "./settings-reader.ts";
import * as schemas from "./settings-schemas.ts";

/** Every variable that they read. */
export const catalogueFields = {
  nodeUrl: from("ORDERLY_NODE_URL", Type.String({ ...schemas.httpUrl, default: "http://127.0.0.1:3000" })),
};

/** Settings of the programs that load the catalogue. */
export type CatalogueSettings = {
  /** Any order node, no slash at the end. */
  readonly nodeUrl: string;
};

/** Reads the settings of the catalogue's loader. @throws SettingsInvalid with all faults */
export function loadCatalogueSettings(env: Environment = process.env): CatalogueSettings {
  return readSettings(catalogueFields, env);
}
