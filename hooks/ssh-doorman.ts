import type { Socket } from "node:net";

interface Limits {
  /** Time to prove who one is, ms. */
  graceMs: number;
  /** Connections that have not proved it yet. */
  maxUnproven: number;
  maxUnprovenPerAddress: number;
  /** Connections that have. */
  maxProven: number;
}

/** Without a limit of its own, ssh2 keeps for ever a client that says nothing. */
export const LIMITS: Limits = {
  graceMs: 15_000,
  maxUnproven: 100,
  maxUnprovenPerAddress: 30,
  maxProven: 200,
};

/**
 * Watches connections until they have proved who they are. When there are too many, the oldest
 * goes: an honest client proves itself in much less time than it takes to push it out.
 */
export function createDoorman(limits: Limits = LIMITS) {
  /** In the order of arrival. */
  const unproven = new Map<Socket, NodeJS.Timeout>();
  const proven = new Set<Socket>();
  const addresses = new WeakMap<Socket, string>();

  function dismiss(socket: Socket | undefined): void {
    if (!socket) return;
    forget(socket);
    socket.destroy();
  }

  function forget(socket: Socket): void {
    clearTimeout(unproven.get(socket));
    unproven.delete(socket);
    proven.delete(socket);
  }

  return {
    admit(socket: Socket): void {
      const address = socket.remoteAddress ?? "";
      addresses.set(socket, address);
      const same = [...unproven.keys()].filter((other) => addresses.get(other) === address);
      if (same.length >= limits.maxUnprovenPerAddress) dismiss(same[0]);
      if (unproven.size >= limits.maxUnproven) dismiss(unproven.keys().next().value);
      unproven.set(
        socket,
        setTimeout(() => dismiss(socket), limits.graceMs),
      );
      socket.once("close", () => forget(socket));
    },
    /** False when there is no room. */
    prove(socket: Socket): boolean {
      if (!unproven.has(socket) || proven.size >= limits.maxProven) return false;
      forget(socket);
      proven.add(socket);
      return true;
    },
    closeAll(): void {
      for (const socket of [...unproven.keys(), ...proven]) dismiss(socket);
    },
  };
}
