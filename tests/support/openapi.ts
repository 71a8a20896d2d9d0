import { Ajv2020 } from "ajv/dist/2020.js";

/** An answer as it came. */
interface Came {
  /** In lower case, as the document has it. */
  method: string;
  /** Of the document, `/apps/{app}`. */
  path: string;
  status: number;
  type: string | null;
  text: string;
}

/** Looks at answers of the API by its own OpenAPI document. */
export function createJudge(document: any) {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema(document, "api");
  const pointer = (...parts: string[]) =>
    `api#/${parts.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/")}`;

  /** What is wrong with an answer; null when nothing is. */
  return function faultOf({ method, path, status, type: fullType, text }: Came): string | null {
    const operation = document.paths[path]?.[method];
    if (!operation) return "it is not in the document";
    const isGood = status < 300;
    if (isGood && !(status in operation.responses)) return `${status} is not in it`;
    if (status === 204) return text === "" ? null : "204 with a body";
    const type = (fullType ?? "").split(";")[0]!;
    if (!isGood && type !== "application/problem+json") return `an error as ${type}`;
    const schema = isGood
      ? pointer("paths", path, method, "responses", String(status), "content", type, "schema")
      : pointer("components", "schemas", "Problem");
    const check = ajv.getSchema(schema);
    if (!check) return `${type} is not in it`;
    const value: unknown = type === "text/event-stream" ? text : JSON.parse(text);
    return check(value) ? null : ajv.errorsText(check.errors);
  };
}
