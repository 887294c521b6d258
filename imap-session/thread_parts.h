/* Trees of thread.h: for thread.c, thread_references.c and thread_gather.c. */
#ifndef IMAP_SESSION_THREAD_PARTS_H
#define IMAP_SESSION_THREAD_PARTS_H

#include "imap-session/thread.h"

void	 thread_begin(struct thread *, const struct thread_message *,
	    size_t n);
/* A node without parent; its number. */
uint32_t thread_node(struct thread *, uint32_t message);
/* Make it the last child; it must have no parent. */
void	 thread_link(struct thread *, uint32_t parent, uint32_t node);
/* Take it out of its parent's children. */
void	 thread_unlink(struct thread *, uint32_t node);
bool	 thread_is_dummy(const struct thread *, uint32_t node);
/* Its message or, of a dummy, its first child's. */
const struct thread_message	*thread_message_of(const struct thread *,
				    uint32_t node);
/*
 * Order the children of a node by date, then number (RFC 5256 3: dummies by
 * their first child).
 */
void	 thread_sort_children(struct thread *, uint32_t node);

/* Step 5 of REFERENCES. */
void	 thread_gather(struct thread *);

/* A table of texts, with a secret seed: names are strangers'. */
struct thread_table {
	struct thread_entry {
		struct slice	 text;
		uint32_t	 node;		/* 0: free */
	}		*entry;
	size_t		 mask, used;
	uint64_t	 seed;
};

void	 thread_table_init(struct thread_table *);
/* The text's entry, made with node 0 if there is none: fill it in. */
struct thread_entry	*thread_table_at(struct thread_table *, struct slice);
void	 thread_table_free(struct thread_table *);

#endif
