/* Which run of the kernel this is. */
#ifndef BASE_BOOT_H
#define BASE_BOOT_H

#define BOOT_ID_LEN	36

/*
 * The kernel's boot id, a UUID, read once: call it before a wall goes up.  "-"
 * when it cannot be read; then nobody can know that there was no reboot.
 */
const char	*boot_id(void);

#endif
