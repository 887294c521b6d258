/*
 * What queue-runner knows of each message in the spool: 52 octets, an index by
 * id, a heap by time of the next try, and lists of what may be tried now.  No
 * I/O; what a message says is read again when its time has come.
 */
#ifndef QUEUE_RUNNER_SCHEDULE_H
#define QUEUE_RUNNER_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/store/envelope.h"

enum entry_state {
	ENTRY_FREE,
	ENTRY_READY,		/* in a list: may be tried now */
	ENTRY_PARKED,		/* in a destination's list */
	ENTRY_WAITING,		/* in the heap until next */
	ENTRY_ACTIVE,		/* being tried: in no list */
	ENTRY_DEAD		/* forgotten while in a list */
};

struct entry {
	char		 id[SPOOL_ID_LEN];	/* no NUL */
	uint32_t	 next;		/* seconds since 1970 */
	uint32_t	 self;		/* its own number */
	uint32_t	 place;		/* in the heap */
	uint32_t	 link;		/* next in its list */
	uint32_t	 chain;		/* next in its bucket */
	uint32_t	 dest;		/* where all of it goes, or 0 */
	uint8_t		 state;		/* enum entry_state */
	uint8_t		 kills;		/* deaths it is suspected of, since
					 * a try without one */
	bool		 queued;	/* in queue/, else in new/ */
	bool		 again;		/* may have been delivered before */
	bool		 tried;		/* counts as a retry */
	bool		 told;		/* no warning is due any more */
	bool		 done;		/* only to be removed */
	uint8_t		 sender;	/* of few numbers, always the same */
};

/* A list of entries, first in, first out; {0} is an empty one. */
struct entry_list {
	uint32_t	 head, tail;
	uint32_t	 count;		/* dead ones included */
};

struct schedule_counts {
	size_t	 fresh;			/* in new/, not active */
	size_t	 deferred;		/* in queue/, not active */
	size_t	 active;
};

struct schedule;

struct schedule	*schedule_new(void);
void		 schedule_free(struct schedule *);

/* Entries stay where they are until forgotten; ids have SPOOL_ID_LEN octets. */
struct entry	*schedule_find(const struct schedule *, const char *id);
/* A new entry in no list, or NULL when the id is known already. */
struct entry	*schedule_add(struct schedule *, const char *id, bool queued);
/* Forget it, wherever it is. */
void		 schedule_forget(struct schedule *, struct entry *);

/*
 * Each of these takes the entry out of the heap when it is there; it must not
 * be in a list, but schedule_wait() and schedule_ready() of what is in one
 * do nothing.
 */
void		 schedule_ready(struct schedule *, struct entry *);
void		 schedule_wait(struct schedule *, struct entry *,
		    int64_t when);
void		 schedule_park(struct schedule *, struct entry_list *,
		    struct entry *);

/* Move at most max entries whose time has come to the ready list. */
size_t		 schedule_due(struct schedule *, int64_t now, size_t max);
/* When the next one is due, or 0 when none waits. */
int64_t		 schedule_next(const struct schedule *);
/*
 * The next that may be tried: first tries before retries, but every eighth
 * time a retry.  It becomes ENTRY_ACTIVE; NULL when there is none.
 */
struct entry	*schedule_pop(struct schedule *);
/* The first of a destination's list, ENTRY_ACTIVE; NULL when none. */
struct entry	*schedule_unpark(struct schedule *, struct entry_list *);

void		 schedule_count(const struct schedule *,
		    struct schedule_counts *);
/* Each one there is, in no order; fn changes nothing. */
void		 schedule_each(const struct schedule *,
		    void (*fn)(struct entry *, void *), void *arg);
size_t		 schedule_total(const struct schedule *);

#endif
