/*
 * The accounts of this machine that may have mail (users = system): found by
 * the C library, so in /etc/passwd or wherever nsswitch.conf(5) says.
 */
#ifndef STORE_SYSTEM_USER_H
#define STORE_SYSTEM_USER_H

#include <sys/types.h>
#include <stdint.h>

#define SYSTEM_UID_MIN	1000	/* below are programs, not people */
#define SYSTEM_UID_NONE	65534	/* "nobody" */
#define SYSTEM_NAME_MAX	32

struct config;

enum system_user {
	SYSTEM_USER_FOUND,
	SYSTEM_USER_NONE,	/* no such account, or none for mail */
	SYSTEM_USER_TEMP	/* the accounts cannot be read now; errno */
};

/*
 * name: letters, digits, "._-", as in the accounts.  An account has mail when
 * its uid is SYSTEM_UID_MIN or more and spawner's min-uid or more, is not that
 * of nobody, and its gid is not root's.
 */
enum system_user	 system_user_find(const struct config *,
			    const char *name, uint32_t *uid, uint32_t *gid);
/* By its uid; name is for SYSTEM_NAME_MAX octets and a NUL. */
enum system_user	 system_user_of(const struct config *, uint32_t uid,
			    char *name, uint32_t *gid);

#endif
