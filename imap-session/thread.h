/* The threads that messages belong to (RFC 5256 3), without a mailbox. */
#ifndef IMAP_SESSION_THREAD_H
#define IMAP_SESSION_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"

struct thread_message {
	uint32_t	 number;	/* what is told */
	int64_t		 date;		/* seconds */
	struct slice	 id;		/* "left@right", or "" */
	struct slice	 references;	/* such, with LF between */
	struct slice	 subject;	/* base subject, in casemap form */
	bool		 reply;		/* or forward */
};

/*
 * Threads as nodes; 0 is the root of all, a node without a message is a dummy.
 * Nodes' numbers are places in the array.
 */
#define THREAD_DUMMY	UINT32_MAX

struct thread_node {
	uint32_t	 message;	/* in the array given, or THREAD_DUMMY */
	uint32_t	 parent, child, last;	/* 0: none */
	uint32_t	 next, before;
};

struct thread {
	struct thread_node		*node;
	uint32_t			 n, room;
	const struct thread_message	*message;
	uint32_t			 nmessages;
};

/* Messages in the order of their numbers, at most THREAD_MOST of them. */
#define THREAD_MOST	10000000

void	 thread_references(struct thread *, const struct thread_message *,
	    size_t n);
void	 thread_ordered_subject(struct thread *,
	    const struct thread_message *, size_t n);
/*
 * Write " (2)(3 6 (4 23)(44 7 96))", blank included, nothing when there are none, in
 * pieces.
 */
void	 thread_put(const struct thread *,
	    void (*put)(void *arg, const char *text, size_t len), void *arg);
void	 thread_free(struct thread *);

#endif
