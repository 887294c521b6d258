/*
 * The users file: passwd-file lines as Dovecot reads them,
 *
 *	name:secret:uid:gid:gecos:home:shell:extra fields
 *
 * in a sorted table.  Names are kept in lower case with their domain; a
 * name without one belongs to the configured hostname.  Format and rules in
 * merpati-users(5).
 */
#ifndef STORE_USERS_H
#define STORE_USERS_H

#include <sys/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/store/scram_keys.h"

#define USERS_FILE_MAX	((size_t)1 << 30)	/* octets */
#define USERS_MAX	4000000U		/* lines with a user */

struct config;
struct users;

struct user {
	const char	*name;		/* login name, "alice@example.org" */
	const char	*secret;	/* as of secret_normal(); "": no
					 * password fits */
	const char	*home;		/* NULL: config mail_home */
	const char	*extra;		/* the words; see extra.h */
	uint32_t	 uid, gid;
	uint32_t	 line;		/* in the file */
	bool		 nologin;
	bool		 locked;	/* "*" or "!": in by nothing at all */
	bool		 certified;	/* has certificate= */
	bool		 keyed;		/* has scram-...= */
	bool		 bad;		/* something in the line is wrong: only
					 * that there is such a user is known */
	bool		 account;	/* of this machine, not of the file:
					 * PAM knows the password */
	uint64_t	 quota_octets, quota_count;	/* 0: no limit */
	uint64_t	 used_octets, used_count;	/* as last told */
};

/* Who owns mailboxes whose line names nobody. */
struct users_ids {
	bool		 known;		/* false: such a line is an error */
	uint32_t	 uid, gid;
};

/*
 * Parse the octets of a file called name.  Wrong lines are named in err,
 * "NAME:LINE: reason" (at most 20); err gets nothing when all are right.  A
 * wrong line's user is in the table as bad, when the line has a name, and so is
 * one whom two lines name.
 */
struct users	*users_parse(const char *name, const char *data, size_t len,
		    const struct config *, const struct users_ids *,
		    struct buf *err);
void		 users_free(struct users *);

/* Those that are not bad. */
size_t		 users_count(const struct users *);
/* All of them, by name. */
const struct user *users_all(const struct users *, size_t *n);
/*
 * Case ignored, bad ones too.  Borrowed from the table; NULL when there is
 * none.
 */
struct user	*users_find(const struct users *, const char *name);
/* Is it the uid of some mailbox? */
bool		 users_has_uid(const struct users *, uint32_t uid);
/*
 * A secret as costly as most of the table's, to try the passwords of unknown
 * users with; NULL in a table without secrets.
 */
const char	*users_typical(const struct users *);
/*
 * Whose certificate has this SHA-256 (hex)?  NULL when it is nobody's, or that
 * of two, which is an error of the file.
 */
struct user	*users_by_certificate(const struct users *, const char *hex);
/*
 * The user's keys of SCRAM: those of the secret, or of an extra field.  False
 * when there are none.
 */
bool		 user_scram(const struct user *, enum scram_hash,
		    struct scram_keys *);
/*
 * Iterations and length of the salt that most of those keys have (of the first
 * thousand with some): what an unknown user would have.  False: none has any.
 */
bool		 users_typical_scram(const struct users *, enum scram_hash,
		    uint32_t *iterations, size_t *salt_len);
/* Is the address in the user's senders=?  ASCII case ignored. */
bool		 user_has_sender(const struct user *, const char *local,
		    const char *domain);
/* Take over what is known of mailboxes' use from an older table. */
void		 users_keep_usage(struct users *, const struct users *old);

#endif
