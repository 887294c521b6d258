/*
 * Becoming a service: users, limits, the things every daemon does before it
 * touches input.
 */
#ifndef BASE_PRIVILEGE_H
#define BASE_PRIVILEGE_H

#include <sys/types.h>
#include <stdbool.h>

/*
 * Take the user's uid and gids for good and prove that there is no way
 * back.  Nothing when the process is not root.  Exits (fatal) on failure.
 */
void	 privilege_drop(const char *user);
void	 privilege_drop_ids(uid_t uid, gid_t gid);
/*
 * No new privileges, not dumpable, no core files, umask 077.  Every program
 * calls it first after the drop.
 */
void	 privilege_harden(void);
/* Refuse to run as root; for daemons that mailbind starts. */
void	 privilege_never_root(const char *prog);
/*
 * Is uid the service account name (a system user)?  Without root the whole
 * suite runs as one uid: then true for our own uid.
 */
bool	 privilege_is_service(uid_t uid, const char *user);
/* uid 0, our own, or a member of group merpati-admin (gid or supplement). */
bool	 privilege_is_admin(uid_t uid, gid_t gid);

#endif
