/* The memory of a process that forks many, and of one that waits. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

/*
 * Before the first fork, when all is set up: take what is free between what is
 * in use, for good.  Then a child's allocations lie together behind the
 * heap, and its malloc_trim(3) gives their pages back; strewn among our data,
 * each would keep a page of the child's own.
 */
void	 heap_settle(void);

/*
 * Before a long wait: give back what is free in the heap, and of the stack what
 * lies below the caller.
 */
void	 heap_rest(void);
/* The silence after which a process does that. */
#define HEAP_REST_MS	2000

#endif
