/*
 * A user's mail: HOME with its Maildir++, the index, the names of keywords, the
 * quota.  Opened once a session, after fork.
 */
#ifndef STORE_ACCOUNT_H
#define STORE_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/slice.h"
#include "lib/store/index.h"

#define ACCOUNT_KEYWORDS	26
#define ACCOUNT_KEYWORD_MAX	100	/* octets */

struct account {
	char		*home;
	char		*maildir;	/* HOME/Maildir */
	int		 homefd;
	int		 maildirfd;
	char		*host;		/* our hostname, for file names */
	struct index	*index;		/* NULL until account_index() */
	unsigned int	 index_failures;
	bool		 index_alone;	/* a private one from now on */
	uint64_t	 quota_octets, quota_count;	/* 0: no limit */
	char		*keyword[ACCOUNT_KEYWORDS];	/* names, or NULL */
	struct timespec	 keywords_time;	/* of the file they were read from */
	uint64_t	 keywords_size;
};

/* A missing Maildir is made (maildir.h).  0, or -1 with errno. */
int	 account_open(struct account *, const char *home, const char *host);
void	 account_close(struct account *);
/*
 * The index, opened when it is not.  NULL with errno: none is to be had.  It
 * costs what a login costs, so ask when a mailbox is opened, not before.
 */
struct index	*account_index(struct account *);
/* Nothing will be asked for a while: keep little memory. */
void	 account_rest(struct account *);
/*
 * A call of index.h failed, errno says how, or the index is gone (errno
 * ESTALE).  It is closed, and discarded unless it is the place that is full or
 * cannot be written to; then, and after several failures, account_index() opens
 * a private one.  Pointers to the old one are void.
 */
void	 account_index_failed(struct account *, const char *why);
/* Somebody removes it faster than it can be made: a private one from now on. */
void	 account_index_alone(struct account *);

/*
 * The bit of a keyword, by HOME/Maildir/keywords (lines "letter name", which
 * only grows and is its own lock), read again when it changed.  create: give it
 * a letter when it has none.  -1 with errno ENOENT, ENOSPC (all 26 are taken),
 * EINVAL (no atom, or longer than ACCOUNT_KEYWORD_MAX) or another.  Case is
 * ignored (RFC 9051 2.3.2).
 */
int	 account_keyword(struct account *, struct slice name, bool create);
/* The name of a bit, or NULL.  Borrowed until the next call. */
const char	*account_keyword_name(struct account *, unsigned int bit);

/*
 * May so much be added?  1 yes, 0 no, -1 with errno.  account_quota_add()
 * afterwards (negative when removed), then account_usage() for GETQUOTA and
 * authd.
 */
int	 account_quota_room(struct account *, uint64_t octets, uint64_t count);
void	 account_quota_add(struct account *, int64_t octets, int64_t count);
int	 account_usage(struct account *, uint64_t *octets, uint64_t *count);

#endif
