/* Contract in heap.h. */
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/heap.h"

#define LARGEST		131072	/* what is larger has a mapping of its own */
#define CACHED		1040	/* up to here free(3) keeps a chunk apart */
#define STEP		16

void
heap_settle(void)
{
	struct mallinfo2	 m = mallinfo2();
	uintptr_t		 top = (uintptr_t)sbrk(0) - m.keepcost;
	size_t			 size, taken = 0;
	void			*p;
	bool			 hole;

	/* The largest first: what is left of a hole is a smaller one. */
	for (size = LARGEST; size > 0 && taken < m.fordblks; size -= STEP) {
		do {
			p = malloc(size);
			hole = p != NULL && (uintptr_t)p < top;
			if (hole)
				taken += size;
		} while (hole && taken < m.fordblks);
		if (!hole && size > CACHED)
			free(p);
	}
}
