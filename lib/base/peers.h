/*
 * Who is a peer?  What the accounts say of its uid, remembered for a minute:
 * asking them costs a read of /etc/passwd each, and peers come often.
 */
#ifndef BASE_PEERS_H
#define BASE_PEERS_H

#include <sys/types.h>
#include <stdint.h>

#define PEERS_KNOWN	32	/* uids remembered, whatever they are */
#define PEERS_MS	60000	/* so long: accounts and groups change */

/* A service account, and the bits that stand for it; ends with NULL. */
struct peers_service {
	const char	*user;
	unsigned int	 who;
};

/* Initialized with the first two; static, as known begins with zeros. */
struct peers {
	const struct peers_service	*services;	/* borrowed */
	unsigned int			 admin;	/* bits of administrators */
	struct peers_known {
		uid_t			 uid;
		gid_t			 gid;
		unsigned int		 who;
		int64_t			 until;	/* io_monotonic_ms() */
	}				 known[PEERS_KNOWN];
};

/*
 * The bits of all that the uid is, 0 when it is none of them.  What
 * privilege_is_service() and privilege_is_admin() say decides.
 */
unsigned int	 peers_who(struct peers *, uid_t, gid_t);

#endif
