/*
 * Maildir++ on disk: delivery, names, flags.  LF line ends.  A name is
 *
 *	TIME.MusecQid-n.host,S=octets,W=wire-octets[,I=validity.uid][:2,FLAGS]
 *
 * S as stored, W with CRLF, so sizes need no stat.
 */
#ifndef STORE_MAILDIR_H
#define STORE_MAILDIR_H

#include <sys/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"

#define MAILDIR_NAME_MAX	255

struct maildir_name {
	struct slice	 base;		/* unique part: up to ',' or ':' */
	uint64_t	 size;		/* S=, or UINT64_MAX when missing */
	uint64_t	 wire;		/* W=, likewise */
	uint32_t	 validity;	/* ,I= : 0 when missing */
	uint32_t	 uid;
	struct slice	 info;		/* after ":2,", may be empty */
	bool		 has_info;
};

/*
 * Take a file name apart; false for names that start with a dot, hold a
 * slash or are too long.  Keys of others, malformed ones and a second one of
 * the same are passed over.  The slices borrow from name.
 */
bool	 maildir_name_parse(const char *name, struct maildir_name *out);
/* "S=" and "W=" as above, a value that is UINT64_MAX left out. */
void	 maildir_name_sizes(uint64_t size, uint64_t wire, char out[64]);
/* Time in the unique part, for ordering; 0 when it has none. */
int64_t	 maildir_name_time(const char *name);

/*
 * name with the key I= of this UID in place of any other, and ":2," when it
 * has no info: "x,S=1:2,S" to "x,S=1,I=validity.uid:2,S". name is one that
 * maildir_name_parse() takes. 0, or -1 with errno ENAMETOOLONG.
 */
int	 maildir_name_key(const char *name, uint32_t validity, uint32_t uid,
	    char out[300]);
/* The info as enum letter_flag and bits of keywords; other letters are not. */
void	 maildir_name_flags(const struct maildir_name *, uint32_t *flags,
	    uint32_t *keywords);
/*
 * name with these flags, in ASCII order; letters of other meanings stay.
 * 0, or -1 with errno ENAMETOOLONG, EINVAL (an info that is not ":2,").
 */
int	 maildir_name_with_flags(const char *name, uint32_t flags,
	    uint32_t keywords, char out[300]);

/*
 * Make DIR and its tmp new cur (0700), durably, and at most two directories
 * above (a user's, a domain's): when more is missing it is a file system that
 * is not mounted.  0 or -1; existing ones are fine.
 */
int	 maildir_make(const char *path);
/* tmp new cur in a directory that is there, as above. */
int	 maildir_fill(int dirfd);

/* Make the directories above path, as above.  0 or -1. */
int	 maildir_make_above(const char *path);

struct maildir_delivery {
	const char	*dir;		/* the Maildir */
	const char	*host;		/* our hostname */
	const char	*id;		/* spool id */
	unsigned int	 number;	/* of the recipient */
	int64_t		 arrived;	/* us */
	bool		 again;		/* tried before: look for it first */
	struct slice	 head;		/* Return-Path, Delivered-To: CRLF */
	int		 fd;		/* spool file */
	off_t		 offset;	/* of the message in it */
	uint64_t	 len;
};

#define MAILDIR_PENDING	32

/* A letter in new/ that is not durable yet. */
struct maildir_pending {
	int	 fd;		/* -1: it is */
	char	*path;
};

/*
 * Deliver: write tmp/, rename into new/ without replacing.  The name is made of
 * arrived, id and number; when it is there already (EEXIST, or with again
 * set under any flags) and the file holds this message, it is made durable
 * and all is done; with other content it is replaced.  CRLF becomes LF
 * as in lf_reader.h.  A missing Maildir is made.  0 with the stored size in
 * *stored and what is left to do in the last argument, for maildir_finish(); or
 * -1 with errno and nothing left behind.  At most 16 KiB of head.  Not for
 * threads.
 */
int	 maildir_begin(const struct maildir_delivery *, uint64_t *stored,
	    struct maildir_pending *);
/*
 * Make n letters durable, no more than MAILDIR_PENDING.  error[i] becomes 0,
 * or an errno and the letter is removed.
 */
void	 maildir_finish(struct maildir_pending *const p[], int error[],
	    size_t n);
/* Both. */
int	 maildir_deliver(const struct maildir_delivery *, uint64_t *stored);

#endif
