/** Knows its own place in the one roster that it is in. */
export interface Member {
  /** Kept by the roster; -1 outside of it. */
  place: number;
}

/** Who is here now, for many that come and go quickly. */
export interface Roster<T extends Member> {
  readonly size: number;
  add(member: T): void;
  has(member: T): boolean;
  delete(member: T): void;
  /** A copy, which may be walked while members come and go. */
  all(): T[];
}

/**
 * What a Set does, without its past: a Set that grows or tidies itself leaves tables behind that hold
 * all former members and point to the next such table, so that one of them in the collector's old
 * generation keeps every later member alive. See docs/decisions/069.
 */
export function createRoster<T extends Member>(): Roster<T> {
  const members: T[] = [];

  const has = (member: T) => members[member.place] === member;

  return {
    get size() {
      return members.length;
    },
    add(member) {
      if (has(member)) return;
      member.place = members.length;
      members.push(member);
    },
    has,
    delete(member) {
      if (!has(member)) return;
      const last = members.pop() as T;
      if (last !== member) {
        last.place = member.place;
        members[member.place] = last;
      }
      member.place = -1;
    },
    all: () => members.slice(),
  };
}
