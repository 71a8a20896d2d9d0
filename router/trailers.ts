import { isForwardable } from "./fields.ts";

/**
 * Fields that mean something before a body or not at all: about framing, routing, conditions,
 * caching, who somebody is, and how the content is to be read (RFC 9110, section 6.5.1).
 */
const NEVER =
  /^(?:age|authorization|cache-control|content-.*|cookie|date|expect|expires|host|if-.*|location|max-forwards|pragma|proxy-.*|range|retry-after|set-cookie|vary|warning|www-authenticate)$/;

/** Whether a field of a trailer section, `name: value`, may go on behind a body. */
export function isTrailer(line: string): boolean {
  const name = line.slice(0, line.indexOf(":")).toLowerCase();
  // Some app servers read `_` as `-`, and some put trailers among the fields of the head.
  const read = name.replaceAll("_", "-");
  return isForwardable(name) && isForwardable(read) && !NEVER.test(read);
}
