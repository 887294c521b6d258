/* The uidvalidity file: lock, read, rewrite.  Format in uidlist.h. */
#ifndef STORE_UIDSTATE_H
#define STORE_UIDSTATE_H

#include <stdbool.h>
#include <stdint.h>

enum uidstate_found {
	UIDSTATE_OK,
	UIDSTATE_EMPTY,		/* just made, or there is none */
	UIDSTATE_BROKEN		/* cannot be read as one */
};

struct uidstate {
	int			 fd;	/* locked, or -1: no file at all */
	bool			 writable;
	enum uidstate_found	 found;
	uint32_t		 validity, next;
	uint64_t		 modseq;
};

/*
 * Open or make DIR/uidvalidity, wait for the lock, read it.  A directory that
 * cannot be written to is no error.  0, or -1 with errno (uidlist_open()).
 */
int	 uidstate_open(int dirfd, struct uidstate *);
/* Rewrite in place, not yet durable.  0, or -1 with errno. */
int	 uidstate_write(const struct uidstate *);
void	 uidstate_close(struct uidstate *);

#endif
