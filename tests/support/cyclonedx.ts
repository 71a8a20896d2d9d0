import { readFile } from "node:fs/promises";
import { Ajv } from "ajv";

/** The schemas that CycloneDX publishes. */
const SCHEMAS = new URL(
  "res/schema/",
  import.meta.resolve("@cyclonedx/cyclonedx-library/package.json"),
);
/** What the schema refers to stands beside it. */
const BASE = "http://cyclonedx.org/schema/";
/** Whole times in UTC are a part of what RFC 3339 allows, and all that is written here. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** What of a document is against the schema of CycloneDX 1.5: a line for each, none when it is right. */
export async function faultsOf(document: unknown): Promise<string[]> {
  const read = async (name: string): Promise<object> =>
    JSON.parse(await readFile(new URL(`${name}.SNAPSHOT.schema.json`, SCHEMAS), "utf8")) as object;
  const formats = {
    "date-time": TIME,
    "idn-email": true,
    "iri-reference": true,
    uri: true,
  } as const;
  const ajv = new Ajv({ strict: false, allErrors: true, formats });
  for (const part of ["spdx", "jsf-0.82"])
    ajv.addSchema({ ...(await read(part)), $id: `${BASE}${part}.SNAPSHOT.schema.json` });
  const validate = ajv.compile(await read("bom-1.5"));
  if (validate(document)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message }) => `${instancePath || "document"} ${message}`,
  );
}
