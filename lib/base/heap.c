/* Contract in heap.h. */
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/heap.h"

#define LARGEST		131072	/* what is larger has a mapping of its own */
#define CACHED		1040	/* up to here free(3) keeps a chunk apart */
#define STEP		16
#define STACK		98304	/* a stack has at least so much, and a third more */
#define KEPT		262144	/* free octets at the end that stay ours */

void
heap_settle(void)
{
	struct mallinfo2	 m;
	uintptr_t		 top;
	size_t			 size, most, taken = 0;
	void			*p;
	bool			 hole;

	(void)malloc_trim(0);
	/* What a handshake frees it will need again. */
	(void)mallopt(M_TRIM_THRESHOLD, KEPT);
	m = mallinfo2();
	if (m.fordblks == 0)
		return;		/* another malloc(3) */
	top = (uintptr_t)sbrk(0) - m.keepcost;
	/* Up to seven that are kept apart of each size count as used. */
	most = m.fordblks + (size_t)7 * (CACHED / STEP) * CACHED;
	/* The largest first: what is left of a hole is a smaller one. */
	for (size = LARGEST; size > 0 && taken < most; size -= STEP) {
		do {
			p = malloc(size);
			hole = p != NULL && (uintptr_t)p < top;
			if (hole)
				taken += size;
		} while (hole && taken < most);
		if (!hole && size > CACHED)
			free(p);
	}
}

void
heap_rest(void)
{
	long		 page = sysconf(_SC_PAGESIZE);
	uintptr_t	 here = (uintptr_t)__builtin_frame_address(0);

	(void)malloc_trim(0);
	/* This frame, and that of the call, stay. */
	here = (here & ~(uintptr_t)(page - 1)) - (uintptr_t)page;
	(void)madvise((void *)(here - STACK), STACK, MADV_DONTNEED);
}
