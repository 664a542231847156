/** The bits of a privilege word. */
export const permissions = { ANONYMOUS: 1, READ: 2, DOWNLOAD: 4, WRITE: 8, ADMIN: 16, OWNER: 32 } as const;

export type Permission = keyof typeof permissions;

/** The levels by which tokens name privileges. Each holds all bits below it. */
export const privilegeLevels = { guest: 1, read: 3, download: 7, write: 15, admin: 31, owner: 63 } as const;

export type PrivilegeLevel = keyof typeof privilegeLevels;

/** The word with this permission and all below it, for example 3 for READ. */
export function privilegeUpTo(permission: Permission): number {
  return permissions[permission] * 2 - 1;
}

export function holds(privilege: number, permission: Permission): boolean {
  return (privilege & permissions[permission]) !== 0;
}
