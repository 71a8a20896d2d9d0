import { isIP } from "node:net";

/** A range of addresses, as in CIDR notation. */
export interface AddressRange {
  address: string;
  /** Leading bits that count. */
  prefix: number;
}

/** Reads a list of addresses and CIDR ranges, apart by commas or blanks; the first wrong word when there is one. */
export function readRanges(text: string): AddressRange[] | string {
  const ranges: AddressRange[] = [];
  for (const word of text.split(/[\s,]+/).filter(Boolean)) {
    const [, address = "", digits] = /^([0-9a-fA-F.:]+)(?:\/([0-9]{1,3}))?$/.exec(word) ?? [];
    const bits = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0;
    const prefix = digits === undefined ? bits : Number(digits);
    if (bits === 0 || prefix > bits) return word;
    ranges.push({ address, prefix });
  }
  return ranges;
}
