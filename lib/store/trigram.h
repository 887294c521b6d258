/*
 * Which letters of a mailbox may hold a text: a cache for SEARCH BODY and
 * TEXT, which may be removed at any moment, beside the index
 * (HOME/index/text.VALIDITY and .tail).
 *
 * It never says that a letter lacks a text that it has; that a letter has
 * one must be verified.  Of each letter there are signatures (trigram_row.h),
 * bit-sliced in blocks, so that a needle costs a few short reads for 600
 * letters.  It takes half of the text's octets, at most TRIGRAM_ROWS rows or
 * 34 KiB a letter; a letter with more text may hold anything.
 *
 * One process writes at a time, under a lock; readers see what was there or
 * what is new.  All is checked by sums: after a crash, a full disk or damage it
 * is short or is made anew, never wrong.  It is never synced.
 *
 * Texts and needles are octets, in whatever form the caller compares.
 */
#ifndef STORE_TRIGRAM_H
#define STORE_TRIGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/mail/number_set.h"

#define TRIGRAM_ROWS	64	/* of a letter */
#define TRIGRAM_SHORTEST 3	/* octets of a needle that can be looked for */

struct trigram;

/* NULL with errno when there is none and none can be made. */
struct trigram	*trigram_open(int homefd, uint32_t validity);
void		 trigram_close(struct trigram *);	/* NULL is fine */
/* The mailbox is gone. */
void		 trigram_remove(int homefd, uint32_t validity);

/*
 * UIDs up to *covered that may hold the needle, expunged ones among them; of
 * those above nothing is known.  0; -1 with errno EINVAL (needle too short),
 * EAGAIN or another: nothing is known of any.
 */
int		 trigram_candidates(struct trigram *, struct slice needle,
		    struct number_set *out, uint32_t *covered);

/*
 * Take the lock for adding letters, without waiting: 0; -1 with errno EAGAIN
 * (another process is at it), EROFS ....  *covered: letters with UIDs above it
 * are to be added, ascending.  When more than half of what is there belongs to
 * letters not in live, or it is damaged, it starts empty.
 */
int		 trigram_begin(struct trigram *, const struct number_set *live,
		    uint32_t *covered);
void		 trigram_letter(struct trigram *, uint32_t uid);
/* False: there is so much that it may hold anything; no more is needed. */
bool		 trigram_text(struct trigram *, struct slice);
/* The next text is apart from the one before. */
void		 trigram_break(struct trigram *);
/* This letter may hold anything: its file could not be read. */
void		 trigram_anything(struct trigram *);
/* 0, or -1 with errno: no more can be written, call trigram_end(). */
int		 trigram_letter_end(struct trigram *);
/* What was added is there for others; the lock is given back. */
int		 trigram_end(struct trigram *);

#endif
